import fc from "fast-check";
import { expect, test } from "vitest";
import { callbackJobId } from "@reelgate/shared/contract/jobs";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";
import { decodeSegment, encodeRecord } from "./record.ts";

const job: fc.Arbitrary<CallbackJob> = fc.record({
  body: fc.oneof(fc.string({ unit: "binary" }), fc.constant("RGcb"), fc.string()),
  receivedAtMs: fc.nat(),
  requestId: fc.string(),
  remoteAddress: fc.option(fc.string()),
  keyIndex: fc.option(fc.nat()),
});
const jobs = fc.array(job, { maxLength: 5 });

test("what was written is read, in order, with the ids of its bodies", () => {
  fc.assert(
    fc.property(jobs, (written) => {
      expect(decodeSegment(Buffer.concat(written.map(encodeRecord)))).toEqual({
        callbacks: written.map((one) => ({
          jobId: callbackJobId(Buffer.from(one.body)),
          job: one,
        })),
        damagedBytes: 0,
        tornBytes: 0,
      });
    }),
  );
});

test("a file that was cut anywhere gives every record that is whole, and the rest is its tail", () => {
  fc.assert(
    fc.property(jobs, fc.nat(), (written, at) => {
      const records = written.map(encodeRecord);
      const bytes = Buffer.concat(records);
      const cut = bytes.subarray(0, bytes.length === 0 ? 0 : at % (bytes.length + 1));
      let whole = 0;
      let end = 0;
      while (whole < records.length && end + (records[whole]?.length ?? 0) <= cut.length) {
        end += records[whole]?.length ?? 0;
        whole += 1;
      }
      const read = decodeSegment(cut);
      expect(read.callbacks.map((one) => one.job)).toEqual(written.slice(0, whole));
      expect(read).toMatchObject({ damagedBytes: 0, tornBytes: cut.length - end });
    }),
  );
});

test("bytes that went bad cost their own record alone, and are counted", () => {
  fc.assert(
    fc.property(
      fc.array(job, { minLength: 3, maxLength: 5 }),
      fc.nat(),
      fc.integer({ min: 1, max: 255 }),
      (written, at, flip) => {
        const records = written.map(encodeRecord);
        const second = records[1] ?? Buffer.alloc(1);
        const index = at % second.length;
        second[index] = (second[index] ?? 0) ^ flip;
        const read = decodeSegment(Buffer.concat(records));
        expect(read.callbacks.map((one) => one.job)).toEqual([written[0], ...written.slice(2)]);
        expect(read).toMatchObject({ damagedBytes: second.length, tornBytes: 0 });
      },
    ),
  );
});

test("any bytes are read", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      const withMagic = Buffer.concat([Buffer.from("RGcb"), bytes, Buffer.from("RGcb")]);
      const { damagedBytes, tornBytes } = decodeSegment(withMagic);
      expect(damagedBytes + tornBytes).toBe(withMagic.length);
    }),
  );
});
