import { parseArgs } from "node:util";
import { errorMessage } from "@reelgate/shared/errors";
import { benchCatalogue } from "./catalogue.ts";
import { benchMedia } from "./media.ts";

const USAGE = `npm run bench -- <what> [options]

  catalogue   pages of recordings from a large catalogue
              --rows N       recordings in it (10000000)
              --runs N       pages of each kind that are asked for (200)
              --note TEXT    goes into the results: what else the machine had to do, say
              --data-dir D   keeps the filled catalogue in D and uses it again; otherwise it is removed

  media       looking at recordings of 5 minutes and of an hour, beside ffprobe; needs ffmpeg and ffprobe on PATH
              --rounds N     looks at each file with each (5)
              --mbps N       Mbit/s at which the origin sends a body (50)
              --note TEXT    as above
              --data-dir D   keeps the generated recordings (3.5 GB) in D and uses them again; otherwise they are removed

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
      rounds: { type: "string", default: "5" },
      mbps: { type: "string", default: "50" },
      "data-dir": { type: "string" },
      note: { type: "string" },
      help: { type: "boolean", default: false },
    },
  });
  const common = { dataDir: values["data-dir"] ?? null, note: values.note ?? null };
  const what = values.help || positionals.length !== 1 ? null : positionals[0];
  switch (what) {
    case "catalogue": {
      const rows = positive("rows", values.rows);
      await benchCatalogue({ ...common, rows, runs: positive("runs", values.runs) });
      break;
    }
    case "media": {
      const rounds = positive("rounds", values.rounds);
      const megabitsPerSecond = positive("mbps", values.mbps);
      await benchMedia({ ...common, rounds, megabitsPerSecond });
      break;
    }
    default:
      console.log(USAGE);
      process.exitCode = values.help ? 0 : 1;
  }
} catch (error) {
  console.error(`bench: ${errorMessage(error)}`);
  process.exitCode = 1;
}
