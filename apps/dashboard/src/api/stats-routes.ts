import { z } from "zod";
import { overviewSchema } from "@reelgate/shared/contract/overview";
import { statsSchema } from "@reelgate/shared/contract/recording";
import type { QueueDepth } from "@reelgate/shared/contract/overview";
import type { Catalogue, QueueCounter, QueueReader, QueueReading } from "../ports.ts";
import { apiRoute, noQuery } from "./api-route.ts";
import type { ApiRoute } from "./api-route.ts";
import { OVERVIEW, STATS } from "./examples.ts";
import { queryInteger } from "./query.ts";
import { queuesWithin } from "./queues-within.ts";

export interface StatsRoutesOptions {
  catalogue: Pick<Catalogue, "count" | "overview">;
  queueCounter: QueueCounter;
  queueReader: QueueReader;
  onQueuesUnavailable: (error: unknown) => void;
}

const overviewQuery = z.object({
  minutes: queryInteger({ min: 1, max: 1440, otherwise: 60 }).describe(
    "How many minutes the window has, the present one among them.",
  ),
});

export function statsRoutes(options: StatsRoutesOptions): ApiRoute[] {
  const { catalogue, queueCounter, queueReader, onQueuesUnavailable } = options;
  return [
    apiRoute({
      method: "get",
      path: "/api/stats",
      operationId: "getStats",
      summary:
        "What is in the catalogue and in the queues; `queues` is empty while Redis is away. Counts that take longer than 0.25 s are good for ten times as long",
      query: noQuery,
      answer: statsSchema,
      answerName: "Stats",
      example: STATS,
      run: async () => {
        const [counted, queues] = await Promise.all([
          catalogue.count(),
          queuesWithin(queueCounter.count(), onQueuesUnavailable),
        ]);
        return { kind: "ok", body: { ...counted, queues } };
      },
    }),
    apiRoute({
      method: "get",
      path: "/api/overview",
      operationId: "getOverview",
      summary: "What happened in the last minutes, and what waits now",
      query: overviewQuery,
      answer: overviewSchema,
      answerName: "Overview",
      example: OVERVIEW,
      run: async ({ minutes }) => {
        const [happened, queues] = await Promise.all([
          catalogue.overview(minutes),
          queuesWithin(queueReader.read(), onQueuesUnavailable),
        ]);
        return { kind: "ok", body: { ...happened, queues: depthsOf(queues, Date.now()) } };
      },
    }),
  ];
}

function depthsOf(
  readings: Readonly<Record<string, QueueReading>>,
  nowMs: number,
): Record<string, QueueDepth> {
  const depthOf = ({ jobs, oldestWaitingSinceMs: sinceMs }: QueueReading): QueueDepth => ({
    ...jobs,
    // The clock that set it is another machine's.
    oldestWaitingS: sinceMs === null ? null : Math.max(0, nowMs - sinceMs) / 1000,
  });
  return Object.fromEntries(
    Object.entries(readings).map(([queue, reading]) => [queue, depthOf(reading)]),
  );
}
