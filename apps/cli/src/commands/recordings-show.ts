import { FINDING_SEVERITIES } from "@reelgate/shared/contract/media";
import type { Callback, Look, RecordingWithCallbacks } from "@reelgate/shared/contract/recording";
import { AppError } from "@reelgate/shared/errors";
import type { CommandIo, ExitCode } from "../command-io.ts";
import type { Ports } from "../ports.ts";
import { printable } from "../text/printable.ts";
import { countText, secondText } from "../text/quantities.ts";
import { createTable } from "../text/table.ts";

export interface ShowFlags {
  id: string;
  json: boolean;
}

/** Shows one recording: what was declared beside what is there, its findings, looks and callbacks. */
export async function recordingsShow(
  flags: ShowFlags,
  ports: Pick<Ports, "catalogue">,
  io: CommandIo,
): Promise<ExitCode> {
  const recording = await (await ports.catalogue()).getRecording(flags.id);
  if (recording === null) {
    throw new AppError("recording_not_found", { message: `No recording has the id ${flags.id}.` });
  }
  await io.print(
    flags.json ? `${JSON.stringify(recording, null, 2)}\n` : recordingText(recording, io.columns),
  );
  return 0;
}

function recordingText(recording: RecordingWithCallbacks, width: number | null): string {
  return [
    `Recording ${recording.id} is ${recording.state}.\n`,
    factLines(recording),
    section("Declared and real", comparison(recording, width)),
    section(
      "Findings",
      recording.findings
        .map(({ kind, detail }) => `${FINDING_SEVERITIES[kind]}: ${kind}: ${printable(detail)}\n`)
        .join(""),
    ),
    section(
      "Looks, the latest first",
      recording.looks.length === 0 ? "" : lookTable(width).lines(recording.looks),
    ),
    section(
      `Callbacks (${countText(recording.callbackCount)}, of which ${countText(recording.conflictCount)} conflict)`,
      recording.callbacks.length === 0 ? "" : callbackTable(width).lines(recording.callbacks),
    ),
  ].join("");
}

function section(title: string, text: string): string {
  return text === "" ? "" : `\n${title}\n${text.replace(/^(?=.)/gmu, "  ")}`;
}

function factLines(recording: RecordingWithCallbacks): string {
  const { failure, stored } = recording;
  const facts: [name: string, value: string | null][] = [
    ["identity", recording.identity],
    ["app", recording.app],
    ["path", recording.appname],
    ["stream", recording.streamId],
    ["channel", recording.channelId],
    ["file id", recording.fileId],
    ["record id", recording.recordFileId],
    ["task", recording.taskId],
    ["template", recording.templateId],
    ["started", recording.startedAt],
    ["ended", recording.endedAt],
    ["received", recording.receivedAt],
    ["url", recording.videoUrl],
    ["push", recording.streamParam],
    ["copy", stored === null ? null : `${stored.url} (sha256 ${stored.sha256})`],
    [
      "failure",
      failure === null
        ? null
        : `${failure.message} (${failure.code}; attempt ${failure.attempts}, ${secondText(failure.at)})`,
    ],
  ];
  return facts
    .flatMap(([name, value]) =>
      value === null ? [] : [`  ${name.padEnd(10)} ${printable(value)}\n`],
    )
    .join("");
}

interface Compared {
  what: string;
  declared: string;
  real: string;
}

function comparison(recording: RecordingWithCallbacks, width: number | null): string {
  const { media, declared } = recording;
  const known = (value: string | number | null | undefined): string =>
    value === null || value === undefined ? "–" : String(value);
  const bytes = (value: number | undefined): string =>
    value === undefined ? "–" : `${countText(value)} bytes`;
  const rows: Compared[] = [
    { what: "container", declared: recording.format, real: known(media?.container) },
    {
      what: "duration",
      declared: `${declared.durationS} s`,
      real:
        media === null
          ? "–"
          : `${known(media.durationS)} s${media.durationIsExact ? "" : " (not exact)"}`,
    },
    {
      what: "size",
      declared: bytes(declared.sizeBytes),
      real: bytes(media?.sizeBytes ?? undefined),
    },
    {
      what: "video",
      declared: "–",
      real:
        media === null || media.video === null
          ? "–"
          : `${media.video.codec} ${known(media.video.width)}×${known(media.video.height)}`,
    },
    {
      what: "audio",
      declared: "–",
      real:
        media === null || media.audio === null
          ? "–"
          : `${media.audio.codec} ${known(media.audio.sampleRateHz)} Hz`,
    },
  ];
  return createTable<Compared>(
    [
      { title: "", cell: ({ what }) => what },
      { title: "DECLARED", cell: ({ declared }) => declared, min: 10 },
      { title: "REAL", cell: ({ real }) => real, min: 10 },
    ],
    inside(width),
  ).lines(rows);
}

/** Sections are indented by two. */
const inside = (width: number | null): number | null => (width === null ? null : width - 2);

const lookTable = (width: number | null): ReturnType<typeof createTable<Look>> =>
  createTable<Look>(
    [
      { title: "ENDED", cell: ({ endedAt }) => secondText(endedAt) },
      { title: "RESULT", cell: ({ result, final }) => (final ? result : `${result}, again later`) },
      {
        title: "TOOK",
        cell: ({ durationMs }) => (durationMs === null ? "–" : `${durationMs} ms`),
        right: true,
      },
      { title: "RETRY", cell: ({ generation }) => String(generation), right: true },
      {
        title: "WHY",
        cell: ({ code, message }) => (code === null ? "" : `${code}: ${message ?? ""}`),
        min: 20,
      },
    ],
    inside(width),
  );

const callbackTable = (width: number | null): ReturnType<typeof createTable<Callback>> =>
  createTable<Callback>(
    [
      { title: "ID", cell: ({ id }) => id },
      { title: "OUTCOME", cell: ({ outcome }) => outcome },
      { title: "RECEIVED", cell: ({ receivedAt }) => secondText(receivedAt) },
      {
        title: "CONTRADICTS",
        cell: ({ conflicts }) =>
          conflicts
            .map(({ field, recorded, received }) => `${field}: ${received} for ${recorded}`)
            .join("; "),
        min: 20,
      },
    ],
    inside(width),
  );
