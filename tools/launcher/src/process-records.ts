import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { z } from "zod";
import { writePrivateFile } from "./private-file.ts";
import { processIdentity } from "./process-identity.ts";

const RECORDS_FILE = "processes.json";
const POLL_MS = 50;

export type ProcessKind = "app" | "server";

interface ProcessRecord {
  name: string;
  kind: ProcessKind;
  pid: number;
  /** As `processIdentity` gave it. */
  identity: string;
}
const recordsSchema: z.ZodType<ProcessRecord[]> = z.array(
  z.object({
    name: z.string(),
    kind: z.enum(["app", "server"]),
    pid: z.number().int().positive(),
    identity: z.string(),
  }),
);

/** Which processes a launcher has running, on disk, for the launcher that comes after a SIGKILL of this one. */
export interface ProcessRecords {
  set(name: string, kind: ProcessKind, pid: number): void;
  clear(): void;
  /** SIGKILL to each of them. */
  killAll(): void;
}

export function processRecords(dataDir: string): ProcessRecords {
  const path = join(dataDir, RECORDS_FILE);
  const records = new Map<string, ProcessRecord>();
  const save = (): void => writePrivateFile(path, JSON.stringify([...records.values()]));
  return {
    set(name, kind, pid) {
      const identity = processIdentity(pid);
      if (identity === null) return;
      records.set(name, { name, kind, pid, identity });
      save();
    },
    clear() {
      records.clear();
      save();
    },
    killAll() {
      for (const record of records.values()) {
        if (isAlive(record)) signal(record.pid, "SIGKILL");
      }
    },
  };
}

/**
 * Stops what a killed launcher left running on this data folder: the apps first, so that they can finish against
 * their servers, then the servers. A process counts as left over only with the very start time that was recorded.
 *
 * @returns the names of what was stopped
 */
export async function stopLeftovers(dataDir: string, graceMs: number): Promise<string[]> {
  const left = readRecords(join(dataDir, RECORDS_FILE)).filter(isAlive);
  for (const kind of ["app", "server"] as const) {
    await Promise.all(
      left.filter((record) => record.kind === kind).map((record) => stop(record, graceMs)),
    );
  }
  return left.map((record) => record.name);
}

/** SIGINT is the fast stop of Postgres and a clean one of Redis and the apps. */
async function stop(record: ProcessRecord, graceMs: number): Promise<void> {
  const deadlineMs = Date.now() + graceMs;
  signal(record.pid, "SIGINT");
  while (isAlive(record) && Date.now() < deadlineMs) await delay(POLL_MS);
  if (!isAlive(record)) return;
  signal(record.pid, "SIGKILL");
  while (isAlive(record)) await delay(POLL_MS);
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It ended by itself after it was looked at.
  }
}

function isAlive(record: ProcessRecord): boolean {
  return processIdentity(record.pid) === record.identity;
}

function readRecords(path: string): ProcessRecord[] {
  try {
    return recordsSchema.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch {
    // No file, or one that a crash of the machine cut off: then nothing of it runs any more.
    return [];
  }
}
