import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { PLAIN_INTERVAL_MS, createProgress } from "./progress.ts";

function sink(isTTY: boolean): { stream: PassThrough & { isTTY?: boolean }; text: () => string } {
  const stream: PassThrough & { isTTY?: boolean } = new PassThrough();
  if (isTTY)
    Object.assign(stream, { isTTY, columns: 80, clearLine: () => true, cursorTo: () => true });
  return { stream, text: () => String(stream.read() ?? "") };
}

describe("progress", () => {
  it("is plain lines, one per interval, without a terminal", () => {
    let nowMs = 0;
    const { stream, text } = sink(false);
    const progress = createProgress(stream, () => nowMs);
    progress.start("Sending", 10);
    progress.update(1);
    nowMs = PLAIN_INTERVAL_MS;
    progress.update(5, "3 retries");
    progress.update(6);
    nowMs *= 2;
    progress.update(9);
    progress.stop();
    expect(text()).toBe("Sending 5/10 3 retries\nSending 9/10\n");
  });

  it("writes nothing for a run that is over at once", () => {
    const { stream, text } = sink(false);
    const progress = createProgress(stream);
    progress.start("Sending", 2);
    progress.update(2);
    progress.stop();
    expect(text()).toBe("");
  });

  it("is a bar on a terminal", () => {
    const { stream, text } = sink(true);
    const progress = createProgress(stream);
    progress.start("Sending", 10);
    progress.update(10);
    progress.stop();
    const shown = text();
    expect(shown).toContain("Sending [");
    expect(shown).toContain("10/10");
  });
});
