#!/usr/bin/env node
import { compose } from "./compose.ts";
import { runAsProcess } from "./lifecycle.ts";

await runAsProcess(compose);
