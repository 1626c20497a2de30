<!DOCTYPE html>
<html><head><title>403 Forbidden</title></head><body>Forbidden</body></html>
