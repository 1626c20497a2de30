import type { EventLoopTurns } from "../../../concurrency/event-loop-turns.ts";
import { type ForwardReader, LooksBackExceeded } from "../../../source/forward-reader.ts";
import { createFrameChecker, type FrameChecker, type FrameForm } from "../../frame-checker.ts";
import type { Box } from "../box-header.ts";
import type { StructureFindings } from "../structure-findings.ts";

/** Samples that lie one behind the other: a chunk, or a run of a fragment. */
export interface SampleRun {
  trackId: number;
  form: FrameForm;
  offset: number;
  /** Null: to be added up. A run of one size for all may count four billion samples. */
  end: number | null;
  count: number;
  /** Of the sample with that index in the run. */
  sizeOf: (index: number) => number;
  /** Sizes that are no bytes: QuickTime counts compressed sound by the frames that come out of it. */
  hasNominalSizes: boolean;
}

/** Looks at samples, run by run, and keeps what is wrong with them. */
export interface SampleTally {
  /** @param areas Where media data may lie. */
  check(run: SampleRun, areas: readonly Pick<Box, "bodyStart" | "end">[]): Promise<void>;
  report(findings: StructureFindings): void;
}

/** No frame is larger. */
const MAX_SAMPLE_BYTES = 33_554_432;

/** @throws LooksBackExceeded from `check`, when samples share their bytes: a file could have them checked for ever. */
export function createSampleTally(
  reader: ForwardReader,
  sizeBytes: number,
  turns: EventLoopTurns,
): SampleTally {
  let checkedBytes = 0;
  const checkers = new Map<number, FrameChecker>();
  let outsideAt: number | null = null;
  let outside = 0;
  let brokenAt: number | null = null;
  let broken = 0;
  let large = 0;

  function checkerOf({ trackId, form }: SampleRun): FrameChecker {
    const checker = checkers.get(trackId) ?? createFrameChecker(form);
    checkers.set(trackId, checker);
    return checker;
  }

  async function endOf(run: SampleRun): Promise<number> {
    if (run.end !== null) {
      return run.end;
    }
    let end = run.offset;
    for (let index = 0; index < run.count; index += 1) {
      end += run.sizeOf(index);
      if (index % 1024 === 0 && turns.isOver()) {
        await turns.next();
      }
    }
    return end;
  }

  async function checkSamples(run: SampleRun): Promise<void> {
    const checker = checkerOf(run);
    let at = run.offset;
    for (let index = 0; index < run.count; index += 1) {
      const size = run.sizeOf(index);
      checkedBytes += size;
      if (checkedBytes > 2 * sizeBytes) {
        throw new LooksBackExceeded();
      }
      if (turns.isOver()) {
        await turns.next();
      }
      if (size > MAX_SAMPLE_BYTES) {
        large += 1;
      } else {
        const bytes = reader.held(at, size) ?? (await reader.at(at, size));
        if (!checker.isSound(bytes.subarray(0, size))) {
          brokenAt = Math.min(brokenAt ?? Infinity, at);
          broken += 1;
        }
      }
      at += size;
    }
  }

  return {
    async check(run, areas): Promise<void> {
      const end = await endOf(run);
      if (run.count === 0 || end === run.offset) {
        return;
      }
      const lastByte = run.hasNominalSizes ? run.offset + 1 : end;
      const isInside = areas.some((area) => run.offset >= area.bodyStart && lastByte <= area.end);
      if (!isInside) {
        outsideAt ??= run.offset;
        outside += run.count;
      } else if (run.form.kind !== "any" && !run.hasNominalSizes) {
        await checkSamples(run);
      }
    },
    report(findings): void {
      if (outsideAt !== null) {
        findings.damaged(
          `${samples(outside)} lie outside of the media data (mdat), the first at byte ${outsideAt}.`,
          outsideAt,
        );
      }
      if (brokenAt !== null) {
        findings.damaged(
          `From byte ${brokenAt} on there are zeros or foreign bytes in place of media: ${samples(broken)} cannot be played.`,
          brokenAt,
        );
      }
      if (large > 0) {
        findings.notFullyChecked(`${samples(large)} of more than 32 MiB were not looked into.`);
      }
    },
  };
}

function samples(count: number): string {
  return count === 1 ? "1 sample" : `${count} samples`;
}
