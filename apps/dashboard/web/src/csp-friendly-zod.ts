import { z } from "zod";

// Before any schema is made: for each, Zod tries whether it may compile code, and the content security policy reports
// each try.
z.config({ jitless: true });
