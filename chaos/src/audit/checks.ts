/** What must be true at the end of a run. Each is passed or failed as a whole. */
export const CHECKS = {
  disturbed: "at least half of the faults took effect, and each was ended",
  drained: "everything came to rest: spools, queues, recordings",
  delivered: "every callback was answered as planned in the end",
  acknowledged: "every acknowledged callback has an outcome",
  doubled: "no callback has two outcomes, and none is there that was never sent",
  identities: "as many recordings as distinct identities, each with its callbacks",
  expired: "nothing that had expired was accepted",
  files: "every stored file is whole, and equal to what the origin serves",
  command: "`reelgate audit --deep` finds nothing",
  simulator: "the simulator finds every outcome, row and file as planned",
  healed: "no process ended but by a fault",
} as const;
export type CheckName = keyof typeof CHECKS;

/** One thing that is not as it must be. */
export interface Violation {
  check: CheckName;
  /** Of the callback, the recording or the file; or the process. */
  id: string;
  detail: string;
}
