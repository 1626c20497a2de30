import type { HalfOpenProxy } from "@reelgate/testkit/half-open-proxy";
import type { SpoolDisk } from "../spool-disk.ts";
import { done, seen } from "./injected.ts";
import type { Injectors } from "./injected.ts";

/** One ingress, with what it needs to keep a callback safe. */
export interface Spooling {
  disk: SpoolDisk;
  toRedis: HalfOpenProxy | null;
  /** Callbacks that it has answered 503 so far. */
  refusals: () => number;
}

/** Neither Redis nor the disk takes a callback: it must be refused, and none of it may be acknowledged. */
export function spoolFaults(spoolOf: (target: string) => Spooling): Injectors {
  return {
    "disk-full": async ({ target }) => {
      const { disk, toRedis, refusals } = spoolOf(target);
      if (disk.limit !== null) return done({ took: false, detail: disk.limit });
      const before = refusals();
      const isFull = await disk.fill();
      await toRedis?.set("refuse");
      return {
        effect: (withinMs) =>
          seen(
            "no room left, callbacks were answered 503",
            withinMs,
            () => isFull && refusals() > before,
          ),
        heal: async () => {
          await disk.empty();
          await toRedis?.set("pass");
        },
      };
    },
  };
}
