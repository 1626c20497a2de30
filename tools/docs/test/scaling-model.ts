/** What the model is made of, as `npm run bench` measured it (bench/model-figures.ts). */
export interface ScalingFigures {
  ingressUs: number;
  redisTakeInUs: number;
  redisSettleUs: number;
  redisWaitingBytes: number;
  workerUs: number;
  postgresUs: number;
  walBytes: number;
  walFsyncs: number;
  storedBytes: number;
  ingressRedisConnections: number;
  workerRedisConnections: number;
  spoolBytes: number;
}

/** What the model assumes: chosen, not measured. */
export const ASSUMED = {
  /** Share of a core that is planned with: the rest is for peaks, and for what replaces a process that died. */
  usableShare: 0.6,
  /** How long Postgres, or Redis, may be away with nothing lost: longer than the provider repeats a callback. */
  awayS: 900,
  databasePoolSize: 10,
} as const;

/** Callbacks a second that the page plans for. */
export const RATES = [100, 1000, 10_000, 100_000] as const;

export interface Plan {
  ratePerS: number;
  ingresses: number;
  redisMasters: number;
  workers: number;
  postgresCores: number;
  /** Of Postgres' log. */
  walMegabytesPerS: number;
  walFsyncsPerS: number;
  diskGigabytesPerDay: number;
  /** What Redis holds, all masters together, when nothing was settled for `awayS`. */
  redisGigabytesAway: number;
  /** What the spools hold, all ingresses together, when Redis was away for `awayS`. */
  spoolGigabytesAway: number;
  redisConnections: number;
  postgresConnections: number;
}

/** How many of everything a rate takes. */
export function planFor(ratePerS: number, figures: ScalingFigures): Plan {
  const cores = (us: number): number => Math.ceil((ratePerS * us) / 1e6 / ASSUMED.usableShare);
  const gigabytes = (bytes: number): number => bytes / 1e9;
  const ingresses = cores(figures.ingressUs);
  const workers = cores(figures.workerUs);
  const redisMasters = cores(figures.redisTakeInUs + figures.redisSettleUs);
  return {
    ratePerS,
    ingresses,
    redisMasters,
    workers,
    postgresCores: cores(figures.postgresUs),
    walMegabytesPerS: (ratePerS * figures.walBytes) / 1e6,
    walFsyncsPerS: ratePerS * figures.walFsyncs,
    diskGigabytesPerDay: gigabytes(ratePerS * 86_400 * figures.storedBytes),
    redisGigabytesAway: gigabytes(ratePerS * ASSUMED.awayS * figures.redisWaitingBytes),
    spoolGigabytesAway: gigabytes(ratePerS * ASSUMED.awayS * figures.spoolBytes),
    // Of each process to each master.
    redisConnections:
      ingresses * figures.ingressRedisConnections + workers * figures.workerRedisConnections,
    postgresConnections: workers * ASSUMED.databasePoolSize,
  };
}

/** The rate at which so many cores of one Postgres are used as planned. */
export function rateOfPostgres(cores: number, figures: ScalingFigures): number {
  return (cores * ASSUMED.usableShare * 1e6) / figures.postgresUs;
}
