import { parseArgs } from "node:util";
import { errorMessage } from "@reelgate/shared/errors";
import { benchCatalogue } from "./catalogue.ts";

const USAGE = `npm run bench -- <what> [options]

  catalogue   pages of recordings from a large catalogue
              --rows N       recordings in it (10000000)
              --runs N       pages of each kind that are asked for (200)
              --note TEXT    goes into the results: what else the machine had to do, say
              --data-dir D   keeps the filled catalogue in D and uses it again; otherwise it is removed

Figures go to bench/results.md, into the section of what was measured.`;

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new Error(`--${name} is not a whole number above 0: ${text}`);
  }
  return value;
}

try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      rows: { type: "string", default: "10000000" },
      runs: { type: "string", default: "200" },
      "data-dir": { type: "string" },
      note: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  if (values.help || positionals.length !== 1 || positionals[0] !== "catalogue") {
    console.log(USAGE);
    process.exitCode = values.help ? 0 : 1;
  } else {
    await benchCatalogue({
      rows: positive("rows", values.rows),
      runs: positive("runs", values.runs),
      dataDir: values["data-dir"] ?? null,
      note: values.note ?? null,
    });
  }
} catch (error) {
  console.error(`bench: ${errorMessage(error)}`);
  process.exitCode = 1;
}
