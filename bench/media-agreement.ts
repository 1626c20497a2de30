import { stat } from "node:fs/promises";
import type { Media } from "@reelgate/shared/contract/media";
import {
  type FfprobeFacts,
  MEDIA_FIXTURES,
  MEDIA_FIXTURES_FOLDER,
  type MediaFixture,
  type MediaFixtureName,
  fixturePath,
} from "@reelgate/testkit/media-fixtures";
import { startMediaOrigin } from "@reelgate/testkit/media-origin";
import { table } from "./figures.ts";
import { type OurLook, lookWithUs } from "./media-looks.ts";

/** Damage that nothing inside the file tells of: found by the size that the callback declares, that of this file. */
const SOUND_ORIGINAL: Partial<Record<MediaFixtureName, MediaFixtureName>> = {
  "damaged/mp4-fragmented-cut-between-fragments.mp4": "mp4/fragmented-no-index.mp4",
};

/** Where durations may differ by more than a frame, because one side is wrong or both count another thing. */
const ONE_FRAME_S = 0.04;

/** Looks at every fixture, and sets our answers beside the committed ones of ffprobe. Markdown. */
export async function compareFixtures(): Promise<{ intact: string; damaged: string }> {
  await using origin = await startMediaOrigin({ root: MEDIA_FIXTURES_FOLDER });
  const looks: { fixture: MediaFixture; look: OurLook }[] = [];
  for (const fixture of MEDIA_FIXTURES) {
    const original = SOUND_ORIGINAL[fixture.name];
    const declared = original === undefined ? null : (await stat(fixturePath(original))).size;
    const { result } = await lookWithUs(`${origin.url}/${fixture.path}`, declared);
    looks.push({ fixture, look: result });
  }
  return {
    intact: intactTable(looks.filter(({ fixture }) => fixture.damage === null)),
    damaged: damagedTable(looks.filter(({ fixture }) => fixture.damage !== null)),
  };
}

function intactTable(looks: readonly { fixture: MediaFixture; look: OurLook }[]): string {
  const rows = looks.map(({ fixture, look }) => {
    const differences = "report" in look ? differ(look.report.media, fixture.ffprobe) : [look.code];
    const findings: string[] =
      "report" in look ? look.report.findings.map(({ kind }) => kind) : [look.code];
    return { fixture, look, differences, findings };
  });
  const differing = rows.filter(({ differences }) => differences.length > 0);
  const falseAlarms = rows.filter(({ findings }) =>
    findings.some((kind) => kind !== "not_fully_checked"),
  );
  return `
${rows.length - differing.length} of ${rows.length} sound fixtures: the same codecs, picture size, frame rate (within 1 %), sample rate, channels, and a duration within one frame (40 ms). A finding or an error that calls a sound file broken or different: ${falseAlarms.length === 0 ? "none" : falseAlarms.map(({ fixture, findings }) => `${fixture.name} (${findings.join(", ")})`).join("; ")}. Where the two differ:

${table(
  ["fixture", "difference: ours / ffprobe"],
  differing.map(({ fixture, differences }) => [fixture.name, differences.join("; ")]),
)}`;
}

/** What we and ffprobe say differently of a sound file. */
function differ(ours: Media, theirs: FfprobeFacts): string[] {
  const video = ours.video;
  const audio = ours.audio;
  const pairs: [string, string | number | null, string | number | null, number][] = [
    [
      "video",
      video?.codec ?? null,
      theirs.video === null ? null : (theirs.video.codec ?? "unknown"),
      0,
    ],
    ["width", video?.width ?? null, theirs.video?.width ?? null, 0],
    ["height", video?.height ?? null, theirs.video?.height ?? null, 0],
    ["fps", video?.fps ?? null, theirs.video?.fps ?? null, (theirs.video?.fps ?? 0) / 100],
    [
      "audio",
      audio?.codec ?? null,
      theirs.audio === null ? null : (theirs.audio.codec ?? "unknown"),
      0,
    ],
    ["sample rate", audio?.sampleRateHz ?? null, theirs.audio?.sampleRateHz ?? null, 0],
    ["channels", audio?.channels ?? null, theirs.audio?.channels ?? null, 0],
    ["duration", ours.durationS, theirs.durationS, ONE_FRAME_S],
  ];
  return pairs
    .filter(([, a, b, tolerance]) => !isSame(a, b, tolerance))
    .map(([name, a, b]) => `${name} ${show(a)} / ${show(b)}`);
}

function isSame(a: string | number | null, b: string | number | null, tolerance: number): boolean {
  return typeof a === "number" && typeof b === "number"
    ? Math.abs(a - b) <= tolerance + 1e-6
    : a === b;
}

function damagedTable(looks: readonly { fixture: MediaFixture; look: OurLook }[]): string {
  const silent = looks.filter(({ look }) => "report" in look && look.report.findings.length === 0);
  const passed = looks.filter(
    ({ fixture }) => fixture.ffprobe.exitCode === 0 && fixture.ffprobe.stderr === "",
  );
  return `
Damaged fixtures: ${looks.length}. Without a finding or an error of ours: ${silent.length === 0 ? "none" : silent.map(({ fixture }) => fixture.name).join(", ")}. ffprobe ends with 0 and says nothing on ${passed.length} of them. Nothing was declared to us, but for ${Object.keys(SOUND_ORIGINAL).join(", ")}: the size before the cut.

${table(
  ["fixture", "damage", "ours", "our duration", "ffprobe: exit, duration, first message"],
  looks.map(({ fixture, look }) => [
    fixture.name.replace("damaged/", ""),
    fixture.damage ?? "",
    verdict(look),
    "report" in look ? show(look.report.media.durationS) : "–",
    `${fixture.ffprobe.exitCode ?? "no end in 20 s"}, ${show(fixture.ffprobe.durationS)}${message(fixture.ffprobe)}`,
  ]),
)}`;
}

function verdict(look: OurLook): string {
  if (!("report" in look)) return `error \`${look.code}\``;
  const kinds = look.report.findings.map(({ kind }) => `\`${kind}\``);
  return kinds.length === 0 ? "**nothing**" : [...new Set(kinds)].join(", ");
}

function message({ stderr }: FfprobeFacts): string {
  const first = stderr.split("\n")[0] ?? "";
  return first === "" ? "" : `, "${first.replaceAll("|", "\\|").slice(0, 80)}"`;
}

function show(value: string | number | null): string {
  return value === null
    ? "–"
    : typeof value === "number"
      ? String(Math.round(value * 1_000) / 1_000)
      : value;
}
