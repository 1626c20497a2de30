/** The mean rate in kbit/s (1,000 bit), rounded; null when size or duration is not known. */
export function meanBitrateKbps(sizeBytes: number | null, durationS: number | null): number | null {
  return sizeBytes === null || durationS === null || durationS <= 0
    ? null
    : Math.round((sizeBytes * 8) / durationS / 1000);
}
