import { PassThrough, Readable } from "node:stream";
import { expect, test } from "vitest";
import type { CommandIo } from "../command-io.ts";
import { migrate } from "./migrate.ts";

test.each([
  {
    json: false,
    said: "Nothing to do: the schema is of a newer version (9998-later, 9999-latest).\n",
  },
  { json: true, said: '{"applied":[],"newer":["9998-later","9999-latest"]}\n' },
])("a newer schema is left as it is, and that is said (json: $json)", async ({ json, said }) => {
  let out = "";
  const io: CommandIo = {
    print: (text) => {
      out += String(text);
      return Promise.resolve();
    },
    note: () => {},
    progress: new PassThrough().resume(),
    columns: null,
    confirm: null,
    stdin: Readable.from([]),
    signal: new AbortController().signal,
  };
  const ports = {
    migrate: () => Promise.resolve({ applied: [], newer: ["9998-later", "9999-latest"] }),
  };
  await expect(migrate({ waitMs: 0, json }, ports, io)).resolves.toBe(0);
  expect(out).toBe(said);
});
