import { setTimeout as delay } from "node:timers/promises";
import type { CallbackSearch, StoredCallback } from "@reelgate/catalogue/callback-search";
import { judgeCallback } from "@reelgate/catalogue/judge-callback";
import { createProgress } from "@reelgate/shared/progress";
import type { CommandIo, ExitCode } from "../command-io.ts";
import type { Catalogue, Ports, Queues } from "../ports.ts";
import { countOf, countText } from "../text/quantities.ts";
import { notFound } from "./callbacks-show.ts";
import { confirmed } from "./confirm.ts";
import { pagesOf } from "./list-pages.ts";

export interface CallbacksReplayFlags {
  /** These callbacks, or those of the search. */
  ids: readonly string[];
  /** Null when ids are given. Without an outcome: invalid and unsupported ones. */
  search: CallbackSearch | null;
  dryRun: boolean;
  yes: boolean;
  json: boolean;
}

/** A body is a kilobyte: so many replays wait in Redis at most, however many there are. */
const MAX_WAITING = 5000;
const WAITING_POLL_MS = 250;
const CONCURRENCY = 50;

/** Judgements beside outcomes: `invalid → recording`. */
type Changes = Map<string, number>;

/** Has settled callbacks judged again by the workers, for after an upgrade that understands more. */
export async function callbacksReplay(
  flags: CallbacksReplayFlags,
  ports: Pick<Ports, "catalogue" | "queues">,
  io: CommandIo,
): Promise<ExitCode> {
  const catalogue = await ports.catalogue();
  const { count, changes } = await foresee(flags, catalogue, io);
  if (flags.dryRun) {
    await io.print(
      flags.json
        ? `${JSON.stringify({ dryRun: true, wouldReplay: count, judgements: Object.fromEntries(changes) })}\n`
        : `${countOf(count, "callback")} would be judged again.\n${changesText(changes)}`,
    );
    return 0;
  }
  const isSure = flags.yes || flags.search === null;
  if (count > 0 && !(await confirmed(`Judge ${countOf(count, "callback")} again?`, isSure, io))) {
    return 0;
  }
  const replayed =
    count === 0 ? 0 : await replayAll(flags, count, catalogue, await ports.queues(), io);
  await io.print(
    flags.json
      ? `${JSON.stringify({ dryRun: false, replayed })}\n`
      : `${countOf(replayed, "callback")} queued to be judged again, after all live ones.\n`,
  );
  return 0;
}

async function* pages(
  { ids, search }: CallbacksReplayFlags,
  catalogue: Catalogue,
  signal: AbortSignal,
): AsyncIterable<StoredCallback[]> {
  if (search === null) {
    for (const id of ids) {
      const callback = await catalogue.getStoredCallback(id);
      if (callback === null) throw notFound(id);
      yield [callback];
    }
    return;
  }
  const outcomes =
    search.outcome === undefined ? (["invalid", "unsupported"] as const) : [search.outcome];
  for (const outcome of outcomes) {
    yield* pagesOf(
      (at) => catalogue.searchStoredCallbacks({ ...search, outcome }, at),
      null,
      signal,
    );
  }
}

/** Counts, and judges by this version's rules what the workers would judge by theirs. */
async function foresee(
  flags: CallbacksReplayFlags,
  catalogue: Catalogue,
  io: CommandIo,
): Promise<{ count: number; changes: Changes }> {
  const changes: Changes = new Map();
  let count = 0;
  for await (const callbacks of pages(flags, catalogue, io.signal)) {
    count += callbacks.length;
    for (const { outcome, body } of callbacks) {
      const judged = judgeCallback(body.toString("utf8")).verdict.kind;
      const change = `${outcome} → ${judged}`;
      changes.set(change, (changes.get(change) ?? 0) + 1);
    }
  }
  return { count, changes };
}

function changesText(changes: Changes): string {
  return [...changes]
    .map(([change, count]) => `  ${change.padEnd(28)} ${countText(count).padStart(9)}\n`)
    .join("");
}

async function replayAll(
  flags: CallbacksReplayFlags,
  count: number,
  catalogue: Catalogue,
  queues: Queues,
  io: CommandIo,
): Promise<number> {
  const progress = createProgress(io.progress);
  progress.start("Replaying", count);
  let done = 0;
  try {
    for await (const callbacks of pages(flags, catalogue, io.signal)) {
      for (let start = 0; start < callbacks.length; start += CONCURRENCY) {
        await untilThereIsRoom(queues, io.signal, (waiting) =>
          progress.update(done, `${countText(waiting)} wait for a worker`),
        );
        const some = callbacks.slice(start, start + CONCURRENCY);
        await Promise.all(some.map((callback) => queues.enqueueReplay(callback)));
        done += some.length;
        progress.update(done);
      }
    }
  } finally {
    progress.stop();
  }
  return done;
}

async function untilThereIsRoom(
  queues: Queues,
  signal: AbortSignal,
  onWait: (waiting: number) => void,
): Promise<void> {
  for (;;) {
    signal.throwIfAborted();
    const waiting = await queues.replaysWaiting();
    if (waiting < MAX_WAITING) return;
    onWait(waiting);
    await delay(WAITING_POLL_MS, undefined, { signal });
  }
}
