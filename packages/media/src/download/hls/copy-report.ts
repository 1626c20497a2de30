import type { Finding, FindingKind, MediaReport } from "@reelgate/shared/contract/media";

/** What fetching showed that a look at the copy cannot. */
export interface FetchFindings {
  /** Name parts by their addresses. */
  findings: readonly Finding[];
  /** Of the master playlist, which is no part of the copy; 0 without one. */
  variants: number;
}

/** What a look at a copy says of a part that was not to be had: the same again, by the part's local name. */
const SAME_AGAIN: ReadonlySet<FindingKind> = new Set<FindingKind>([
  "missing_segment",
  "short_segment",
  "corrupt_segment",
  "missing_key",
]);

/** The report about the recording, out of that about what was fetched of it. */
export function completeReport(
  { media, findings }: MediaReport,
  fetched: FetchFindings,
): MediaReport {
  const { variants } = fetched;
  const isSameAgain = fetched.findings.length > 0;
  const others = findings.filter(
    ({ kind }) =>
      !(isSameAgain && SAME_AGAIN.has(kind)) &&
      // The declared size may count all variants, of which the copy has one.
      !(kind === "size_mismatch" && variants > 1),
  );
  const hls = media.hls === null ? null : { ...media.hls, variants };
  return { media: { ...media, hls }, findings: [...fetched.findings, ...others] };
}
