import { fourCcAt, uint32At, uint64At, uint8At } from "../../bytes/big-endian.ts";
import type { Box } from "./box-header.ts";
import { type BoxReader, readBody } from "./box-reader.ts";
import { childrenOf, nameOf, type Problems } from "./children.ts";
import { type EditList, parseEditList } from "./edit-list.ts";
import { readSampleTable, type SampleTable } from "./sample-table.ts";

/** A track of a movie. Units are those of its own timescale. */
export interface Track {
  id: number;
  /** `vide`, `soun` or another (ISO/IEC 14496-12, 8.4.3). */
  handler: string;
  /** Units in a second; at least 1. */
  timescale: number;
  mediaDurationUnits: number;
  edit: EditList | null;
  /** As displayed, from the track header; 0 without. */
  displayWidth: number;
  displayHeight: number;
  samples: SampleTable | null;
}

/** What a `moov` says. */
export interface Movie {
  tracks: Track[];
  /** Null for a movie of one piece. */
  fragments: MovieExtends | null;
  isCompressed: boolean;
}

/** What `mvex` says of the fragments. */
export interface MovieExtends {
  /** From `mehd`; null when it is left open. */
  durationS: number | null;
  /** Sample durations by track, from `trex`. */
  defaultDurations: ReadonlyMap<number, number>;
  /** Sample sizes in bytes by track, from `trex`. */
  defaultSizes: ReadonlyMap<number, number>;
}

const MAX_TRACKS = 64;
/** Enough for 1,000 edits. */
const MAX_EDIT_LIST_BYTES = 20_008;
const MAX_SMALL_BODY_BYTES = 256;

/**
 * Reads a `moov` wherever it is. What is broken in it becomes a problem, and the rest is read all the same; where the file
 * ends within it, it is read as far as it goes.
 */
export async function readMovie(
  reader: BoxReader,
  moov: Box,
  isThorough: boolean,
  problems: Problems,
): Promise<Movie> {
  const tracks: Track[] = [];
  let timescale = 0;
  let fragments: MovieExtends | null = null;
  let isCompressed = false;
  for await (const box of childrenOf(reader, moov, problems)) {
    switch (box.type) {
      case "mvhd":
        timescale = parseMediaHeader(await readBody(reader, box, MAX_SMALL_BODY_BYTES)).timescale;
        break;
      case "trak":
        if (tracks.length < MAX_TRACKS) {
          tracks.push(await readTrack(reader, box, { timescale, isThorough }, problems));
        }
        break;
      case "mvex":
        fragments = await readExtends(reader, box, timescale, problems);
        break;
      case "cmov":
        isCompressed = true;
        break;
      default:
    }
  }
  return { tracks, fragments, isCompressed };
}

async function readTrack(
  reader: BoxReader,
  trak: Box,
  movie: { timescale: number; isThorough: boolean },
  problems: Problems,
): Promise<Track> {
  let header = { id: 0, displayWidth: 0, displayHeight: 0 };
  let editList: Uint8Array | null = null;
  let media: Media | null = null;
  for await (const box of childrenOf(reader, trak, problems)) {
    switch (box.type) {
      case "tkhd":
        header = parseTrackHeader(await readBody(reader, box, MAX_SMALL_BODY_BYTES));
        break;
      case "edts":
        for await (const list of childrenOf(reader, box, problems)) {
          if (list.type === "elst") {
            editList = await readBody(reader, list, MAX_EDIT_LIST_BYTES);
          }
        }
        break;
      case "mdia":
        media = await readMedia(reader, box, movie.isThorough, problems);
        break;
      default:
    }
  }
  const { handler, timescale, durationUnits, samples } = media ?? NO_MEDIA;
  const edit =
    editList === null
      ? null
      : parseEditList(editList, Math.max(movie.timescale, 1), {
          timescale,
          // A writer that did not know the duration yet leaves 0 there.
          durationUnits: durationUnits === 0 ? (samples?.durationUnits ?? 0) : durationUnits,
        });
  return { ...header, handler, timescale, mediaDurationUnits: durationUnits, edit, samples };
}

interface Media {
  handler: string;
  timescale: number;
  durationUnits: number;
  samples: SampleTable | null;
}

const NO_MEDIA: Media = { handler: "", timescale: 1, durationUnits: 0, samples: null };

async function readMedia(
  reader: BoxReader,
  mdia: Box,
  isThorough: boolean,
  problems: Problems,
): Promise<Media> {
  const media = { ...NO_MEDIA };
  let information: Box | null = null;
  for await (const box of childrenOf(reader, mdia, problems)) {
    switch (box.type) {
      case "mdhd": {
        const header = parseMediaHeader(await readBody(reader, box, MAX_SMALL_BODY_BYTES));
        media.durationUnits = header.durationUnits;
        if (header.timescale === 0) {
          problems.add(`${nameOf(box)} has no timescale`);
        } else {
          media.timescale = header.timescale;
        }
        break;
      }
      case "hdlr":
        media.handler = fourCcAt(await readBody(reader, box, MAX_SMALL_BODY_BYTES), 8);
        break;
      case "minf":
        information = box;
        break;
      default:
    }
  }
  if (information === null) {
    return media;
  }
  for await (const box of childrenOf(reader, information, problems)) {
    if (box.type === "stbl") {
      media.samples = await readSampleTable(reader, box, { ...media, isThorough }, problems);
      break;
    }
  }
  return media;
}

/** `mvhd` and `mdhd` begin alike. A duration of all ones means that it is not known. */
function parseMediaHeader(body: Uint8Array): { timescale: number; durationUnits: number } {
  const isLong = uint8At(body, 0) === 1;
  const timescale = uint32At(body, isLong ? 20 : 12);
  const durationUnits = isLong ? uint64At(body, 24) : uint32At(body, 16);
  const isKnown = Number.isSafeInteger(durationUnits) && (isLong || durationUnits !== 0xffff_ffff);
  return { timescale, durationUnits: isKnown ? durationUnits : 0 };
}

function parseTrackHeader(body: Uint8Array): {
  id: number;
  displayWidth: number;
  displayHeight: number;
} {
  const isLong = uint8At(body, 0) === 1;
  const sizeAt = isLong ? 88 : 76;
  return {
    id: uint32At(body, isLong ? 20 : 12),
    displayWidth: Math.round(uint32At(body, sizeAt) / 0x1_0000),
    displayHeight: Math.round(uint32At(body, sizeAt + 4) / 0x1_0000),
  };
}

async function readExtends(
  reader: BoxReader,
  mvex: Box,
  timescale: number,
  problems: Problems,
): Promise<MovieExtends> {
  const defaultDurations = new Map<number, number>();
  const defaultSizes = new Map<number, number>();
  let durationS: number | null = null;
  for await (const box of childrenOf(reader, mvex, problems)) {
    const body = await readBody(reader, box, MAX_SMALL_BODY_BYTES);
    if (box.type === "trex") {
      defaultDurations.set(uint32At(body, 4), uint32At(body, 12));
      defaultSizes.set(uint32At(body, 4), uint32At(body, 16));
    } else if (box.type === "mehd") {
      const units = uint8At(body, 0) === 1 ? uint64At(body, 4) : uint32At(body, 4);
      durationS = units > 0 && Number.isFinite(units) && timescale > 0 ? units / timescale : null;
    }
  }
  return { durationS, defaultDurations, defaultSizes };
}
