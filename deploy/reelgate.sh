#!/bin/sh
exec node --enable-source-maps /app/apps/cli/dist/main.js "$@"
