import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { PLAIN_INTERVAL_MS } from "@reelgate/shared/progress";
import type { ProgressStream } from "@reelgate/shared/progress";
import { createProgressDisplay } from "./progress-display.ts";
import type { ProgressFigures } from "./progress-display.ts";

function capture(isTTY: boolean, columns = 200): { stream: ProgressStream; written: () => string } {
  const stream: PassThrough & { isTTY?: boolean; columns?: number } = new PassThrough();
  stream.isTTY = isTTY;
  stream.columns = columns;
  let text = "";
  stream.on("data", (chunk: Buffer) => {
    text += chunk.toString();
  });
  return { stream, written: () => text };
}
const figures = (values: Partial<ProgressFigures>): ProgressFigures => ({
  phase: "fetching",
  bytesDone: 0,
  bytesTotal: null,
  filesDone: 0,
  filesTotal: null,
  ...values,
});

test("without a terminal: plain lines, now and then, with rate and time left", () => {
  const { stream, written } = capture(false);
  let nowMs = 0;
  const display = createProgressDisplay(stream, () => nowMs);
  for (; nowMs <= 2 * PLAIN_INTERVAL_MS; nowMs += 1000) {
    display.update(
      figures({
        bytesDone: nowMs * 1000,
        bytesTotal: 20_000_000,
        filesDone: nowMs / 1000,
        filesTotal: 20,
      }),
    );
  }
  display.stop();
  expect(written()).toBe(
    `fetching 5.0 MB of 20.0 MB, 1.0 MB/s, 5 of 20 files, 0:15 left
fetching 10.0 MB of 20.0 MB, 1.0 MB/s, 10 of 20 files, 0:10 left
`,
  );
});

test("an unknown total is not made up, and a new phase begins its own rate", () => {
  const { stream, written } = capture(false);
  let nowMs = 0;
  const display = createProgressDisplay(stream, () => nowMs);
  display.update(figures({ bytesDone: 9_000_000 }));
  nowMs = PLAIN_INTERVAL_MS;
  display.update(figures({ bytesDone: 10_000_000 }));
  nowMs = 2 * PLAIN_INTERVAL_MS;
  display.update(figures({ phase: "storing", bytesDone: 1000, bytesTotal: 2000 }));
  expect(written()).toBe("fetching 10.0 MB, 200 kB/s\nstoring 1.0 kB of 2.0 kB\n");
});

test("on a terminal: a bar that is filled by files when nobody knows the bytes", () => {
  const { stream, written } = capture(true);
  const display = createProgressDisplay(stream, () => 0);
  display.update(figures({ bytesDone: 5, filesDone: 1, filesTotal: 4 }));
  display.update(figures({ bytesDone: 9, filesDone: 3, filesTotal: 4 }));
  display.stop();
  expect(written()).toContain("75% 9 bytes, 3 of 4 files");
});

test.each([
  [70, false],
  [80, true],
  [200, true],
])("in %i columns no figure is lost (bar: %s)", (columns, hasBar) => {
  const { stream, written } = capture(true, columns);
  let nowMs = 0;
  const display = createProgressDisplay(stream, () => nowMs);
  const values = { bytesTotal: 999_000_000, filesTotal: 1000 };
  display.update(figures({ ...values, bytesDone: 1, filesDone: 1 }));
  nowMs = 1000;
  display.update(figures({ ...values, bytesDone: 500_000_000, filesDone: 500 }));
  display.stop();
  expect(written()).toContain("50% 500 MB of 999 MB, 500 MB/s, 500 of 1000 files");
  expect(/\[[█░]+\]/u.test(written())).toBe(hasBar);
});

test("while nothing comes, the rate goes down by itself", async () => {
  const { stream, written } = capture(true);
  let nowMs = 0;
  const display = createProgressDisplay(stream, () => nowMs);
  display.update(figures({ bytesTotal: 1_000_000 }));
  nowMs = 100;
  display.update(figures({ bytesDone: 500_000, bytesTotal: 1_000_000 }));
  nowMs = 20_000;
  await expect
    .poll(written, { timeout: 5000 })
    .toMatch(/500 kB of 1\.0 MB, 0 bytes\/s(?!, \d+:\d\d left)/u);
  display.stop();
});
