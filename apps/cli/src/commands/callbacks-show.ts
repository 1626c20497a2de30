import { AppError } from "@reelgate/shared/errors";
import type { Callback } from "@reelgate/shared/contract/recording";
import type { CommandIo, ExitCode } from "../command-io.ts";
import type { Ports } from "../ports.ts";
import { printable } from "../text/printable.ts";

export interface CallbacksShowFlags {
  id: string;
  json: boolean;
  /** The body as it came, and nothing else. */
  raw: boolean;
}

/** Shows one callback with its body, secrets redacted unless they are asked for. */
export async function callbacksShow(
  flags: CallbacksShowFlags,
  ports: Pick<Ports, "catalogue">,
  io: CommandIo,
): Promise<ExitCode> {
  const catalogue = await ports.catalogue();
  if (flags.raw) {
    const stored = await catalogue.getStoredCallback(flags.id);
    if (stored === null) throw notFound(flags.id);
    io.note("This is the body as it came: `sign` and the parameters of the push are secrets.\n");
    await io.print(stored.body);
    return 0;
  }
  const callback = await catalogue.getCallback(flags.id);
  if (callback === null) throw notFound(flags.id);
  await io.print(flags.json ? `${JSON.stringify(callback, null, 2)}\n` : callbackText(callback));
  return 0;
}

export function notFound(id: string): AppError {
  return new AppError("callback_not_found", { message: `No settled callback has the id ${id}.` });
}

function callbackText(callback: Callback): string {
  const facts: [name: string, value: string | null][] = [
    ["event type", callback.eventType],
    ["recording", callback.recordingId],
    ["received", callback.receivedAt],
    ["settled", callback.settledAt],
    ["from", callback.remoteAddress],
    ["request", callback.requestId],
    ["key", callback.keyIndex === null ? "none: unsigned" : `number ${callback.keyIndex}`],
    ["unknown", callback.unknownFields.length === 0 ? null : callback.unknownFields.join(", ")],
  ];
  return [
    `Callback ${callback.id} is ${callback.outcome}.\n`,
    ...facts.flatMap(([name, value]) =>
      value === null ? [] : [`  ${name.padEnd(11)} ${printable(value)}\n`],
    ),
    ...callback.problems.map(
      ({ path, message }) =>
        `  problem     ${printable(path === "" ? message : `${path}: ${message}`)}\n`,
    ),
    ...callback.conflicts.map(
      ({ field, recorded, received }) =>
        `  conflict    ${printable(`${field}: ${received}, and the recording has ${recorded}`)}\n`,
    ),
    `\n${printable(callback.body)}\n`,
  ].join("");
}
