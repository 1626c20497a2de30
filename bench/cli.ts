import { parseArgs } from "node:util";
import { errorMessage } from "@reelgate/shared/errors";
import { benchCatalogue } from "./catalogue.ts";
import { GROWTH_PARTS, benchGrowth } from "./growth.ts";
import { benchIngress } from "./ingress.ts";
import { MEDIA_PARTS, benchMedia } from "./media.ts";
import { benchMillion } from "./million.ts";
import { benchOutage } from "./outage.ts";
import { benchWorker } from "./worker.ts";

const USAGE = `npm run bench -- <what> [options]

  catalogue   pages of recordings from a large catalogue
              --rows N       recordings in it (10000000)
              --runs N       pages of each kind that are asked for (200)
              --note TEXT    goes into the results: what else the machine had to do, say
              --data-dir D   keeps the filled catalogue in D and uses it again; otherwise it is removed

  ingress     callbacks per second and CPU of the ingress, beside Express and Fastify with queue.add, pg-boss, and itself
              without a queue; Linux, needs wrk on PATH
              --rounds N     rounds, in each of which every server has its turn (5)
              --seconds N    of load in each turn (5)
              --note TEXT    as above

  media       looking at recordings of 5 minutes and of an hour, beside ffprobe; downloading them, beside curl and
              ffmpeg; needs all three on PATH
              --only LIST    some of ${MEDIA_PARTS.join(",")} (all)
              --rounds N     looks at each file, and downloads of it, with each (5)
              --mbps N       Mbit/s at which the origin sends the body of a file that is looked at (50)
              --scale N      divides the sizes of downloads by N; their figures are printed then, and not written (1)
              --note TEXT    as above
              --data-dir D   keeps the generated recordings (7 GB) in D and uses them again; otherwise they are removed

  growth      what a callback costs with many waiting in Redis, many in the catalogue, several workers
              --only LIST    some of ${GROWTH_PARTS.join(",")} (all)
              --waiting LIST callbacks that wait (100000,1000000)
              --sizes LIST   recordings in the catalogue (0,1000000,10000000): 35 GB
              --workers LIST worker processes (1,2,4)
              --backlog N    callbacks that one run of workers settles (20000)
              --rounds N     of each measurement, by turns (5)
              --note TEXT, --data-dir D  as above

  million     callbacks in, out and audited, with the memory of every process
              --count N      how many (1000000); results are written from a million on
              --workers N    worker processes (1)
              --note TEXT, --data-dir D  as above

  outage      Redis away under load
              --minutes N    how long (15); results are written from 15 on
              --rate N       callbacks a second (300)
              --note TEXT    as above
  worker      settling waiting callbacks, beside a worker that does nothing and one transaction for each
              --callbacks N    callbacks that wait (20000)
              --concurrency N  of them in hand at a time (512)
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

function wholes(name: string, list: string): number[] {
  return list.split(",").map((text) => (text === "0" ? 0 : positive(name, text)));
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
      seconds: { type: "string", default: "5" },
      waiting: { type: "string", default: "100000,1000000" },
      sizes: { type: "string", default: "0,1000000,10000000" },
      workers: { type: "string" },
      backlog: { type: "string", default: "20000" },
      count: { type: "string", default: "1000000" },
      minutes: { type: "string", default: "15" },
      rate: { type: "string", default: "300" },
      callbacks: { type: "string", default: "20000" },
      concurrency: { type: "string", default: "512" },
      mbps: { type: "string", default: "50" },
      scale: { type: "string", default: "1" },
      only: { type: "string" },
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
    case "ingress": {
      const rounds = positive("rounds", values.rounds);
      const seconds = positive("seconds", values.seconds);
      await benchIngress({ rounds, seconds, note: common.note });
      break;
    }
    case "media": {
      const rounds = positive("rounds", values.rounds);
      const megabitsPerSecond = positive("mbps", values.mbps);
      const scale = positive("scale", values.scale);
      const parts = someOf(MEDIA_PARTS, values.only ?? MEDIA_PARTS.join(","));
      await benchMedia({ ...common, rounds, megabitsPerSecond, scale, parts });
      break;
    }
    case "growth": {
      await benchGrowth({
        ...common,
        parts: someOf(GROWTH_PARTS, values.only ?? GROWTH_PARTS.join(",")),
        waiting: wholes("waiting", values.waiting),
        rows: wholes("sizes", values.sizes),
        replicas: wholes("workers", values.workers ?? "1,2,4"),
        backlog: positive("backlog", values.backlog),
        rounds: positive("rounds", values.rounds),
      });
      break;
    }
    case "million": {
      const count = positive("count", values.count);
      await benchMillion({ ...common, count, workers: positive("workers", values.workers ?? "1") });
      break;
    }
    case "outage": {
      const minutes = positive("minutes", values.minutes);
      await benchOutage({ ...common, minutes, ratePerS: positive("rate", values.rate) });
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
