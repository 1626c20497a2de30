import { isDeepStrictEqual } from "node:util";
import { uint8At } from "../../bytes/big-endian.ts";
import type { FrameForm } from "../frame-checker.ts";
import { type Box, childBody, childBoxes } from "./box-header.ts";

const VISUAL_ENTRY_BYTES = 86;
/** Where the size of the lengths stands in the configuration (ISO/IEC 14496-15, 5.3.3.1.2 and 8.3.3.1.2). */
const CONFIGURATIONS: Readonly<Record<string, { type: string; lengthSizeAt: number }>> = {
  avc1: { type: "avcC", lengthSizeAt: 4 },
  avc3: { type: "avcC", lengthSizeAt: 4 },
  hvc1: { type: "hvcC", lengthSizeAt: 21 },
  hev1: { type: "hvcC", lengthSizeAt: 21 },
};
const COMPRESSED: ReadonlySet<string> = new Set(["mp4a", ".mp3", "ac-3", "ec-3", "av01", "vp09"]);

/** What the samples of a track are made of, by its sample descriptions; where they differ nothing is assumed. */
export function frameFormOf(description: Uint8Array): FrameForm {
  const [first, ...others] = [...childBoxes(description, 8)].map((entry) =>
    formOfEntry(description, entry),
  );
  return first !== undefined && others.every((form) => isDeepStrictEqual(form, first))
    ? first
    : { kind: "any" };
}

function formOfEntry(description: Uint8Array, entry: Box): FrameForm {
  if (COMPRESSED.has(entry.type)) {
    return { kind: "compressed" };
  }
  const configuration = CONFIGURATIONS[entry.type];
  const record =
    configuration === undefined
      ? null
      : childBody(description, configuration.type, entry.start + VISUAL_ENTRY_BYTES, entry.end);
  if (configuration === undefined || record === null) {
    return { kind: "any" };
  }
  const lengthBytes = (uint8At(record, configuration.lengthSizeAt) & 3) + 1;
  return { kind: "nal", lengthBytes };
}
