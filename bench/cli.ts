import { parseArgs } from "node:util";
import { errorMessage } from "@reelgate/shared/errors";
import { benchCatalogue } from "./catalogue.ts";
import { MEDIA_PARTS, benchMedia } from "./media.ts";
import { benchWorker } from "./worker.ts";

const USAGE = `npm run bench -- <what> [options]

  catalogue   pages of recordings from a large catalogue
              --rows N       recordings in it (10000000)
              --runs N       pages of each kind that are asked for (200)
              --note TEXT    goes into the results: what else the machine had to do, say
              --data-dir D   keeps the filled catalogue in D and uses it again; otherwise it is removed

  media       looking at recordings of 5 minutes and of an hour, beside ffprobe; downloading them, beside curl and
              ffmpeg; needs all three on PATH
              --only LIST    some of ${MEDIA_PARTS.join(",")} (all)
              --rounds N     looks at each file, and downloads of it, with each (5)
              --mbps N       Mbit/s at which the origin sends the body of a file that is looked at (50)
              --scale N      divides the sizes of downloads by N; their figures are printed then, and not written (1)
              --note TEXT    as above
              --data-dir D   keeps the generated recordings (7 GB) in D and uses them again; otherwise they are removed

  worker      settling waiting callbacks, beside a worker that does nothing and one transaction for each
              --callbacks N    callbacks that wait (20000)
              --concurrency N  of them in hand at a time (64)
              --rounds N       turns of each (5)
              --note TEXT      as above

Figures go to bench/results.md, into the section of what was measured.`;

function positive(name: string, text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) {
    throw new Error(`--${name} is not a whole number above 0: ${text}`);
  }
  return value;
}

function someOf<T extends string>(all: readonly T[], list: string): T[] {
  const names = list.split(",");
  const unknown = names.find((name) => !all.some((known) => known === name));
  if (unknown !== undefined) throw new Error(`--only knows ${all.join(", ")}, not ${unknown}`);
  return all.filter((name) => names.includes(name));
}

try {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      rows: { type: "string", default: "10000000" },
      runs: { type: "string", default: "200" },
      rounds: { type: "string", default: "5" },
      callbacks: { type: "string", default: "20000" },
      concurrency: { type: "string", default: "64" },
      mbps: { type: "string", default: "50" },
      scale: { type: "string", default: "1" },
      only: { type: "string", default: MEDIA_PARTS.join(",") },
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
      const scale = positive("scale", values.scale);
      const parts = someOf(MEDIA_PARTS, values.only);
      await benchMedia({ ...common, rounds, megabitsPerSecond, scale, parts });
      break;
    }
    case "worker": {
      const callbacks = positive("callbacks", values.callbacks);
      const rounds = positive("rounds", values.rounds);
      const concurrency = positive("concurrency", values.concurrency);
      await benchWorker({ callbacks, rounds, concurrency, note: common.note });
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
