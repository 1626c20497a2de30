import { statsSchema } from "@reelgate/shared/contract/recording";
import type { Stats } from "@reelgate/shared/contract/recording";
import { withinMs } from "@reelgate/shared/lifecycle";
import type { Catalogue, QueueCounter } from "../ports.ts";
import { apiRoute, noQuery } from "./api-route.ts";
import type { ApiRoute } from "./api-route.ts";

/** What is in the catalogue is worth knowing without Redis, so Redis is not waited for longer than this. */
const QUEUES_DEADLINE_MS = 2500;

export interface StatsRoutesOptions {
  catalogue: Catalogue;
  queueCounter: QueueCounter;
  onQueuesUnavailable: (error: unknown) => void;
}

export function statsRoutes(options: StatsRoutesOptions): ApiRoute[] {
  const { catalogue } = options;
  return [
    apiRoute({
      method: "get",
      path: "/api/stats",
      summary: "What is in the catalogue and in the queues; `queues` is empty while Redis is away",
      query: noQuery,
      answer: statsSchema,
      run: async () => {
        const [counted, queues] = await Promise.all([catalogue.count(), countQueues(options)]);
        return { kind: "ok", body: { ...counted, queues } };
      },
    }),
  ];
}

async function countQueues(options: StatsRoutesOptions): Promise<Stats["queues"]> {
  let queues: Stats["queues"] = {};
  const counting = options.queueCounter.count().then(
    (counts) => {
      queues = counts;
    },
    (error: unknown) => options.onQueuesUnavailable(error),
  );
  if (!(await withinMs(counting, QUEUES_DEADLINE_MS))) {
    options.onQueuesUnavailable(new Error(`no answer within ${QUEUES_DEADLINE_MS} ms`));
  }
  return queues;
}
