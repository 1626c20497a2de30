import { setTimeout as delay } from "node:timers/promises";
import { AppError } from "@reelgate/shared/errors";
import type { CommandIo, ExitCode } from "../command-io.ts";
import type { Ports } from "../ports.ts";

export interface MigrateFlags {
  waitMs: number;
  json: boolean;
}

const RETRY_MS = 500;

/**
 * Brings the catalogue's schema up to this version, once Postgres answers. Any number of runs at once apply each
 * migration once.
 */
export async function migrate(
  flags: MigrateFlags,
  ports: Pick<Ports, "migrate">,
  io: CommandIo,
): Promise<ExitCode> {
  const { applied, newer } = await migrateWithin(flags.waitMs, ports, io);
  if (flags.json) await io.print(`${JSON.stringify({ applied, newer })}\n`);
  else if (newer.length > 0) {
    await io.print(`Nothing to do: the schema is of a newer version (${newer.join(", ")}).\n`);
  } else if (applied.length === 0)
    await io.print("Nothing to do: the schema is of this version.\n");
  else await io.print(applied.map((name) => `Applied ${name}.\n`).join(""));
  return 0;
}

async function migrateWithin(
  waitMs: number,
  ports: Pick<Ports, "migrate">,
  io: CommandIo,
): ReturnType<Ports["migrate"]> {
  const deadlineMs = performance.now() + waitMs;
  let isNoted = false;
  for (;;) {
    try {
      return await ports.migrate();
    } catch (error) {
      const isAway = error instanceof AppError && error.code === "catalogue_unavailable";
      if (!isAway || performance.now() + RETRY_MS > deadlineMs) throw error;
      if (!isNoted) io.note(`${error.message} Waiting for it.\n`);
      isNoted = true;
      await delay(RETRY_MS, undefined, { signal: io.signal });
    }
  }
}
