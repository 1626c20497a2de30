import { machine, writeSection } from "./results-file.ts";
import { diskSyncMs } from "./disk-sync.ts";
import { table } from "./figures.ts";
import { cpuUs, loadWithWrk, wrkVersion } from "./ingress-wrk.ts";
import type { Load } from "./ingress-wrk.ts";
import { loadAtConstantRate } from "./ingress-constant-rate.ts";
import type { Latency } from "./ingress-constant-rate.ts";
import { startField } from "./ingress-parties.ts";
import type { Field, Party, PartyName } from "./ingress-parties.ts";

export interface IngressBenchOptions {
  rounds: number;
  /** Of each party in each round. */
  seconds: number;
  /** What the reader has to know about this run. */
  note: string | null;
}

const CONNECTIONS = 64;
const WARM_UP_S = 3;
/** At a constant rate nobody waits for a connection to be free: there are more than requests under way. */
const OPEN_CONNECTIONS = 512;

const LABELS: Record<PartyName, string> = {
  reelgate: "Reelgate, built ingress",
  ceiling: "(c) the same without a queue",
  express: "(a) Express 5, `queue.add`",
  fastify: "(b) Fastify 5, `queue.add`",
  "pg-boss": "(d) Express 5, pg-boss",
};
const NAMES = Object.keys(LABELS) as PartyName[];

/** One party in one round: CPU is per callback, in microseconds. */
interface Round extends Load {
  serverUs: number;
  redisUs: number;
  postgresUs: number;
  wrkUs: number;
}

type Latencies = Record<"reelgate" | "ceiling", Latency[]>;

/** Takes callbacks with ours and with others by turns, and writes how many each took and at what cost. */
export async function benchIngress(options: IngressBenchOptions): Promise<void> {
  const wrk = await wrkVersion();
  await using field = await startField(NAMES);
  const ids = { next: 1 };
  const syncsMs = [await diskSyncMs(field.folder)];
  const rounds = new Map<PartyName, Round[]>(NAMES.map((name) => [name, []]));
  for (const party of field.parties) await measure(field, party, WARM_UP_S, ids);
  for (let round = 0; round < options.rounds; round++) {
    // Every party comes first, last and after each other in turn.
    for (const party of rotated(field.parties, round)) {
      const result = await measure(field, party, options.seconds, ids);
      rounds.get(party.name)?.push(result);
      console.log(
        `round ${round + 1} ${party.name.padEnd(9)} ${Math.round(result.ratePerS)}/s, server ${Math.round(result.serverUs)} us, Redis ${Math.round(result.redisUs)} us`,
      );
    }
  }
  const maximum = median(roundsOf(rounds, "reelgate").map(({ ratePerS }) => ratePerS));
  syncsMs.push(await diskSyncMs(field.folder));
  const latencies = await measureLatency(field, maximum / 2, options, ids);
  syncsMs.push(await diskSyncMs(field.folder));
  await writeSection("Ingress", report(options, wrk, rounds, maximum / 2, latencies, syncsMs));
}

async function measure(
  field: Field,
  party: Party,
  seconds: number,
  ids: { next: number },
): Promise<Round> {
  await field.clear();
  const pids = [party.pid, field.redisPid, field.postgresPid];
  const before = pids.map(cpuUs);
  const load = await loadWithWrk({
    port: party.port,
    connections: CONNECTIONS,
    seconds,
    firstSerial: ids.next,
    folder: field.folder,
  });
  ids.next += load.requests + CONNECTIONS + 1;
  const [serverUs = 0, redisUs = 0, postgresUs = 0] = pids.map(
    (pid, index) => (cpuUs(pid) - (before[index] ?? 0)) / load.requests,
  );
  await expectStored(field, party, load);
  return { ...load, serverUs, redisUs, postgresUs, wrkUs: load.cpuUs / load.requests };
}

/** A fast answer counts for nothing if the callback is not there: wrk sees the answers, this the jobs behind them. */
async function expectStored(field: Field, party: Party, load: Load): Promise<void> {
  if (load.failed > 0) throw new Error(`${party.name} failed ${load.failed} callbacks`);
  if (party.name === "ceiling" || party.name === "pg-boss") return;
  const waiting = await field.waiting();
  if (waiting < load.requests) {
    throw new Error(`${party.name} answered ${load.requests} callbacks and stored ${waiting}`);
  }
}

async function measureLatency(
  field: Field,
  ratePerS: number,
  options: IngressBenchOptions,
  ids: { next: number },
): Promise<Latencies> {
  const latencies: Latencies = { reelgate: [], ceiling: [] };
  const both = field.parties.filter(({ name }) => name in latencies);
  for (let round = 0; round < options.rounds; round++) {
    for (const party of rotated(both, round)) {
      await field.clear();
      const latency = await loadAtConstantRate({
        port: party.port,
        ratePerS,
        seconds: options.seconds,
        connections: OPEN_CONNECTIONS,
        firstSerial: ids.next,
      });
      ids.next += latency.answered + latency.failed + 1;
      if (latency.failed > 0) throw new Error(`${party.name} failed ${latency.failed} callbacks`);
      latencies[party.name as keyof Latencies].push(latency);
      console.log(
        `latency ${round + 1} ${party.name.padEnd(9)} p50 ${latency.p50Ms.toFixed(2)} ms, p99 ${latency.p99Ms.toFixed(2)} ms`,
      );
    }
  }
  return latencies;
}

function rotated<T>(all: readonly T[], by: number): T[] {
  const from = by % all.length;
  const turned = [...all.slice(from), ...all.slice(0, from)];
  return by % 2 === 0 ? turned : turned.toReversed();
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length / 2;
  const [low, high] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]];
  if (low === undefined || high === undefined) throw new Error("no values");
  return (low + high) / 2;
}

function roundsOf(rounds: ReadonlyMap<PartyName, Round[]>, name: PartyName): Round[] {
  const found = rounds.get(name);
  if (found === undefined) throw new Error(`${name} was not measured`);
  return found;
}

function report(
  options: IngressBenchOptions,
  wrk: string,
  rounds: ReadonlyMap<PartyName, Round[]>,
  halfRate: number,
  latencies: Latencies,
  syncsMs: readonly number[],
): string {
  const today = new Date().toISOString().slice(0, 10);
  const of = (name: PartyName, figure: (round: Round) => number): number =>
    median(roundsOf(rounds, name).map(figure));
  const rateOf = (name: PartyName): number => of(name, ({ ratePerS }) => ratePerS);
  const ratio = (name: PartyName): number => rateOf("reelgate") / rateOf(name);
  // Within each round: what else the machine had to do changes more from round to round than inside of one.
  const spread = (name: PartyName): string => {
    const ours = roundsOf(rounds, "reelgate");
    const each = roundsOf(rounds, name).map(
      (round, at) => (ours[at]?.ratePerS ?? 0) / round.ratePerS,
    );
    return `${Math.min(...each).toFixed(2)}–${Math.max(...each).toFixed(2)}`;
  };
  const verdict = (isMet: boolean): string => (isMet ? "met" : "**not met**");
  const least = (name: PartyName, target: number): string[] => [
    `rate ÷ ${LABELS[name]}`,
    ratio(name).toFixed(2),
    spread(name),
    `≥ ${target}`,
    verdict(ratio(name) >= target),
  ];
  const p99 = (name: keyof Latencies): number => median(latencies[name].map(({ p99Ms }) => p99Ms));
  const p99Ratio = p99("reelgate") / p99("ceiling");
  const us = (value: number): string => value.toFixed(0);
  const ms = (value: number): string => value.toFixed(2);
  const each = latencies.reelgate.map(
    ({ p99Ms }, at) => p99Ms / (latencies.ceiling[at]?.p99Ms ?? Number.NaN),
  );
  return `\`npm run bench -- ingress --rounds ${options.rounds} --seconds ${options.seconds}\`, ${today}, wrk ${wrk}, ${machine()}.${options.note === null ? "" : ` ${options.note}`}

Distinct signed callbacks of 1 KB over ${CONNECTIONS} connections, as fast as they are answered (wrk, one thread), for ${options.seconds} s each, the parties by turns in changing order after a warm-up of ${WARM_UP_S} s; medians of ${options.rounds} rounds. All servers check the same signature and answer the same. Redis has \`appendonly yes, appendfsync always\`, Postgres its defaults; our ingress runs as in production, with a spool. After each round as many jobs wait in Redis as were answered, and every answer was 200. CPU is user and system time per callback, out of /proc. A write of 4 KB with \`fdatasync\` on the same disk took ${syncsMs.map((value) => `${value.toFixed(2)} ms`).join(", ")} at the median before, between and after the two measurements.

${table(
  ["", "callbacks/s", "p50 ms", "p99 ms", "server µs", "Redis µs", "Postgres µs", "wrk µs"],
  NAMES.map((name) => [
    LABELS[name],
    us(rateOf(name)),
    ms(of(name, ({ p50Ms }) => p50Ms)),
    ms(of(name, ({ p99Ms }) => p99Ms)),
    us(of(name, ({ serverUs }) => serverUs)),
    us(of(name, ({ redisUs }) => redisUs)),
    us(of(name, ({ postgresUs }) => postgresUs)),
    us(of(name, ({ wrkUs }) => wrkUs)),
  ]),
)}

${table(
  ["ours compared", "ratio of medians", "in each round", "target", ""],
  [
    least("express", 1.6),
    least("fastify", 1.3),
    least("ceiling", 0.75),
    [
      "p99 ÷ that of (c), at half of our rate",
      p99Ratio.toFixed(2),
      `${Math.min(...each).toFixed(2)}–${Math.max(...each).toFixed(2)}`,
      "≤ 2",
      verdict(p99Ratio <= 2),
    ],
  ],
)}

At half of our rate (${us(halfRate)} callbacks/s, sent at a constant rate whether or not earlier ones are answered, over ${OPEN_CONNECTIONS} connections by bench/ingress-constant-rate.ts, and timed from the moment at which each was due): p50 ${ms(median(latencies.reelgate.map(({ p50Ms }) => p50Ms)))} ms and p99 ${ms(p99("reelgate"))} ms; without a queue ${ms(median(latencies.ceiling.map(({ p50Ms }) => p50Ms)))} ms and ${ms(p99("ceiling"))} ms.
`;
}
