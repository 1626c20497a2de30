import type { FileFormat } from "@reelgate/shared/contract/media";
import type { Plan } from "./plan.ts";
import { createRandom } from "./random.ts";
import type { Random } from "./random.ts";
import { invalidCallback, unsupportedCallback } from "./scenarios/other-callbacks.ts";
import { PlanBuilder } from "./scenarios/plan-builder.ts";
import type { PlannedOrigin } from "./scenarios/plan-builder.ts";
import {
  conflictingRecording,
  duplicatedRecording,
  faultyFile,
  streamOfRecordings,
  streamTheWrongWayRound,
} from "./scenarios/recordings.ts";
import { attackedRecording, expiredRecording } from "./scenarios/refusals.ts";

/** What a run can send, with what it proves. */
export const SCENARIOS = {
  normal: "each recording told once",
  duplicates: "redelivered byte for byte, and signed anew",
  reorder: "files, duplicates and contradictions of a stream out of order",
  tamper: "forged, altered, unsigned, malformed and oversized bodies among true ones",
  expired: "signatures whose time has passed, among true ones",
  invalid: "signed callbacks that say something impossible, among true ones",
  unsupported: "signed events of other types, among true ones",
  burst: "duplicates and new recordings, everything at once",
  mixed: "all of the above; with an origin also missing and truncated files",
} as const;
export type ScenarioName = keyof typeof SCENARIOS;

export interface PlanOptions {
  scenario: ScenarioName;
  /** Deliveries: POSTs, apart from retries. */
  count: number;
  /** The same seed gives the same plan; ids and streams differ by `runId`. */
  seed: string;
  runId: string;
  format: FileFormat | "all";
  /** Unix time in seconds at which the newest recording has just ended. */
  baseTimeS: number;
  /** Null: URLs have the provider's names and nothing is known of the files. */
  origin: PlannedOrigin | null;
}

/** One way to go on with a plan; `turn` counts its own uses. */
type Step = (builder: PlanBuilder, turn: number) => void;

interface Weighted {
  weight: number;
  step: Step;
}

/** Deliveries are shuffled within windows this wide, so that none drifts past the validity of its signature. */
const SHUFFLE_WINDOW = 24;

/** Runs every step once, in random order, so that a short plan has all of them; then by weight until it is full. */
function blend(builder: PlanBuilder, random: Random, steps: readonly Weighted[]): void {
  const turns = new Map<Step, number>();
  const take = (step: Step): void => {
    const turn = turns.get(step) ?? 0;
    turns.set(step, turn + 1);
    step(builder, turn);
  };
  for (const { step } of random.shuffle(steps)) {
    take(step);
  }
  const total = steps.reduce((sum, { weight }) => sum + weight, 0);
  while (!builder.isFull) {
    let left = random.next() * total;
    const chosen = steps.find(({ weight }) => (left -= weight) < 0) ?? steps[0];
    if (chosen === undefined) return;
    take(chosen.step);
  }
}

const NORMAL: Weighted = { weight: 40, step: streamOfRecordings };
const DUPLICATED: Weighted = { weight: 15, step: duplicatedRecording };

function stepsOf(scenario: ScenarioName, hasOrigin: boolean): readonly Weighted[] {
  switch (scenario) {
    case "normal":
      return [NORMAL];
    case "duplicates":
      return [{ weight: 1, step: duplicatedRecording }];
    case "reorder":
      return [{ weight: 1, step: streamTheWrongWayRound }];
    case "tamper":
      return [{ weight: 1, step: attackedRecording }];
    case "expired":
      return [
        { weight: 1, step: expiredRecording },
        { weight: 1, step: streamOfRecordings },
      ];
    case "invalid":
      return [
        { weight: 2, step: invalidCallback },
        { weight: 1, step: streamOfRecordings },
      ];
    case "unsupported":
      return [
        { weight: 2, step: unsupportedCallback },
        { weight: 1, step: streamOfRecordings },
      ];
    case "burst":
      return [NORMAL, DUPLICATED];
    case "mixed":
      return [
        NORMAL,
        DUPLICATED,
        { weight: 6, step: conflictingRecording },
        { weight: 3, step: streamTheWrongWayRound },
        { weight: 8, step: attackedRecording },
        { weight: 4, step: expiredRecording },
        { weight: 8, step: invalidCallback },
        { weight: 7, step: unsupportedCallback },
        ...(hasOrigin
          ? [
              { weight: 6, step: (builder: PlanBuilder): void => faultyFile(builder, "truncated") },
              { weight: 3, step: (builder: PlanBuilder): void => faultyFile(builder, "missing") },
            ]
          : []),
      ];
    default: {
      const unknown: never = scenario;
      throw new TypeError(`no such scenario: ${String(unknown)}`);
    }
  }
}

/** Lays out a whole run: what is sent in which order, and what must come of it. Pure: same options, same plan. */
export function makePlan(options: PlanOptions): Plan {
  // Ids take part in no choice: the run id changes names alone.
  const random = createRandom(`${options.scenario}/${options.format}/${options.seed}`);
  const builder = new PlanBuilder({ ...options, random });
  const steps = stepsOf(options.scenario, options.origin !== null);
  blend(builder, random, steps);
  if (options.scenario === "mixed" || options.scenario === "reorder") {
    builder.shuffleDeliveries(SHUFFLE_WINDOW);
  }
  return builder.finish();
}
