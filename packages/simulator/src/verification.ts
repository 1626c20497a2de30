import type { Callback } from "@reelgate/shared/contract/recording";
import type { ApiClient } from "./api-client.ts";
import type { Plan, PlannedCallback } from "./plan.ts";
import type { SentBody } from "./send.ts";
import type { VerifyLedger } from "./verify-report.ts";

/** Called as things settle: how many of how many in this phase. */
export type ProgressListener = (
  phase: "Settling" | "Verifying",
  settled: number,
  total: number,
) => void;

/** What the phases of a verification share. */
export interface Verification {
  plan: Plan;
  api: ApiClient;
  ledger: VerifyLedger;
  concurrency: number;
  /** Waits one interval; false when the deadline has passed or the run was ended. */
  tick(): Promise<boolean>;
  onProgress: ProgressListener;
}

/** A body that is in the catalogue, with what was planned for it. */
export interface SettledBody {
  body: SentBody;
  planned: PlannedCallback;
  callback: Callback;
}
