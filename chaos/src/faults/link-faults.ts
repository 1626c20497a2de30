import type { HalfOpenProxy, ProxyMode } from "@reelgate/testkit/half-open-proxy";
import type { PlannedFault } from "../plan.ts";
import { seen } from "./injected.ts";
import type { Inject } from "./injected.ts";

/** The connections of one app to one server. */
export interface Link {
  proxy: HalfOpenProxy;
  /** Asks the server over this link; how long the answer took in milliseconds, or null without one in time. */
  ask: (timeoutMs: number) => Promise<number | null>;
}

export type LinkOf = (fault: PlannedFault) => Link;

const SILENCE_MS = 400;
const SLOW_MS = 150;

/** A link that answers nothing, or late. */
type LinkMode = Exclude<ProxyMode, { losesRepliesAfter: string }>;

function linkFault(linkOf: LinkOf, mode: LinkMode, detail: string): Inject {
  return async (fault) => {
    const { proxy, ask } = linkOf(fault);
    const held = proxy.connectionCount;
    const acceptedBefore = proxy.acceptedCount;
    let asked = 0;
    await proxy.set(mode);
    /** Of the app alone: those that it held, and those that it tried to make since. */
    const connections = (): number => held + proxy.acceptedCount - acceptedBefore - asked;
    const hasEffect = async (): Promise<boolean> => {
      asked += 1;
      const tookMs = await ask(typeof mode === "object" ? mode.delayMs * 10 : SILENCE_MS);
      return typeof mode === "object"
        ? tookMs !== null && tookMs >= mode.delayMs * 2
        : tookMs === null;
    };
    return {
      effect: (withinMs) =>
        seen(detail, withinMs, async () => (await hasEffect()) && connections() > 0),
      heal: () => proxy.set("pass"),
    };
  };
}

/** Everything that goes wrong with a connection while both of its ends are well. */
export function linkFaults(
  linkOf: LinkOf,
): Record<"halfOpen" | "blackhole" | "reset" | "slow", Inject> {
  return {
    halfOpen: linkFault(linkOf, "half-open", "no answer comes back on any connection of the app"),
    blackhole: linkFault(linkOf, "blackhole", "nothing passes on any connection of the app"),
    reset: linkFault(linkOf, "reset", "every connection of the app is reset"),
    slow: linkFault(linkOf, { delayMs: SLOW_MS }, `answers ${2 * SLOW_MS} ms late and more`),
  };
}
