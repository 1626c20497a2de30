/**
 * A process that fills a spool until it is killed, or the disk takes no more: prints the number of each callback that
 * is stored. Arguments: folder, number of callbacks, bytes of each body.
 */
import { writeSync } from "node:fs";
import { FileSpool } from "../src/adapters/spool/file-spool.ts";

const [folder = "", count = "0", bodyBytes = "0"] = process.argv.slice(2);
const spool = await FileSpool.open({
  folder,
  maxBytes: 1024 ** 3,
  events: { tornTail: () => {}, damaged: () => {} },
});
if (spool === null) throw new Error("the folder is locked");

const writers = Array.from({ length: 8 }, async (_, writer) => {
  for (let index = writer; index < Number(count); index += 8) {
    const result = await spool.append({
      body: `${index} `.padEnd(Number(bodyBytes), "."),
      receivedAtMs: Date.now(),
      requestId: "",
      remoteAddress: null,
      keyIndex: null,
    });
    // Synchronously: what was printed before the kill is out of this process.
    writeSync(1, result.stored ? `stored ${index}\n` : `refused ${index} ${result.reason}\n`);
  }
});
await Promise.all(writers);
writeSync(1, `bytes ${spool.depth.bytes}\n`);
await spool[Symbol.asyncDispose]();
