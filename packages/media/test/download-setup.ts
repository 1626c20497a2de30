import { createHash, randomBytes } from "node:crypto";
import { readdir } from "node:fs/promises";
import type { MediaReport } from "@reelgate/shared/contract/media";
import type { VerifyCopy } from "../src/download/verify-staged.ts";

/** The first bytes of a MP4 file; the rest is noise that no other file has. */
export function noiseThatBeginsAsMp4(sizeBytes: number): Buffer {
  const bytes = randomBytes(sizeBytes);
  bytes.write("\0\0\0\x18ftypisom", 0, "latin1");
  return bytes;
}

export function sha256(bytes: Uint8Array): string {
  return createHash("sha256").update(bytes).digest("hex");
}

const SOUND: MediaReport = {
  media: {
    container: "mp4",
    durationS: 1,
    durationIsExact: true,
    sizeBytes: 1,
    bitrateKbps: null,
    video: null,
    audio: null,
    hls: null,
  },
  findings: [],
};

/** For tests of what fetching does with bytes that are no real recording. */
export const takeForSound: VerifyCopy = async () => SOUND;

export const takeForBroken: VerifyCopy = async () => ({
  ...SOUND,
  findings: [{ kind: "truncated", declared: null, actual: null, detail: "It ends early." }],
});

/** Every file below a folder, relative, in order; the staging folder's own apart. */
export async function filesBelow(root: string): Promise<{ published: string[]; staged: string[] }> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(root.length + 1))
    .toSorted();
  return {
    published: files.filter((file) => !file.startsWith(".reelgate-staging/")),
    staged: files.filter((file) => file.startsWith(".reelgate-staging/")),
  };
}
