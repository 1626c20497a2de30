// Asks ffprobe about each fixture and keeps its answer beside it. HLS is asked over HTTP, because a path such as
// /hls/ts/segment0.ts means nothing in a file system; for the rest that makes no difference to what it says.
import { execFile } from "node:child_process";
import { readdirSync, writeFileSync } from "node:fs";
import { startMediaOrigin } from "../src/media-origin.ts";

const PLAYABLE = /\.(mp4|m4a|flv|aac|m3u8)$/;
const fixtures = ["mp4", "flv", "aac", "damaged", "hls"].flatMap((folder) =>
  readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isDirectory() || PLAYABLE.test(entry.name))
    .map((entry) => `${folder}/${entry.name}${entry.isDirectory() ? "/index.m3u8" : ""}`),
);

/** ffprobe waits for ever for the rest of a playlist without end and with too little in it. */
const TIMEOUT_MS = 20_000;

const origin = await startMediaOrigin({ root: import.meta.dirname });
for (const path of fixtures.toSorted()) {
  const asked = path.endsWith(".m3u8") ? `${origin.url}/${path}` : path;
  const answer = await new Promise((resolve) => {
    execFile(
      "ffprobe",
      ["-v", "error", "-show_format", "-show_streams", "-of", "json", asked],
      { timeout: TIMEOUT_MS },
      (error, stdout, stderr) => {
        const stopped = error?.killed === true ? `${stderr}Stopped: no answer within ${TIMEOUT_MS} ms.` : stderr;
        resolve({ exitCode: error === null ? 0 : error.code, stdout, stderr: stopped });
      },
    );
  });
  const strip = (text) => text.replaceAll(`${origin.url}/`, "").replaceAll(/ @ 0x[0-9a-f]+/g, "");
  const lines = strip(answer.stderr).trim().split("\n").slice(0, 20);
  const { format = null, streams = [] } = JSON.parse(answer.stdout || "{}");
  const facts = JSON.stringify({ exitCode: answer.exitCode, stderr: lines.join("\n"), format, streams }, null, 1);
  writeFileSync(`${path}.ffprobe.json`, `${strip(facts)}\n`);
}
await origin[Symbol.asyncDispose]();
