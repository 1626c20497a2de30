import type { Callback, Outcome, Recording } from "@reelgate/shared/contract/recording";

/** The catalogue's mistakes that a verification must notice. Each is asked once per callback or recording. */
export interface CatalogueFaults {
  /** Forgets the callback although it was acknowledged. */
  loses?: (body: Body) => boolean;
  /** Makes a second row where the first one stands. */
  doubles?: (body: Body) => boolean;
  /** Settles otherwise than it should. */
  misjudges?: (outcome: Outcome, body: Body) => Outcome;
  /** Lets a contradicting callback change the row. */
  overwrites?: boolean;
  /** Shows bodies as they came. */
  showsSecrets?: boolean;
  /** Rounds times to the second. */
  dropsMicroseconds?: boolean;
  /** Believes the declared size instead of looking. */
  believesSizes?: boolean;
  /** Shows another duration than the file has. */
  misreadsDurations?: boolean;
  /** Never looks at files. */
  leavesPending?: boolean;
  /** Answers of the API lack a field that the contract has. */
  breaksContract?: boolean;
}

export type Body = Record<string, unknown>;

export interface ReferenceCatalogue {
  settle(id: string, body: Body): void;
  /** Resolves when every file that was to be looked at has been. */
  idle(): Promise<void>;
  callbacks: Map<string, Callback>;
  recordings: Map<string, Recording>;
}

const textOf = (value: unknown): string | null =>
  typeof value === "number" || (typeof value === "string" && value !== "") ? String(value) : null;
const numberOf = (value: unknown): number | null =>
  typeof value === "number" || (typeof value === "string" && /^-?\d+$/u.test(value))
    ? Number(value)
    : null;

function problemsOf(body: Body): { path: string; message: string }[] {
  const wrong: string[] = [];
  const start = numberOf(body.start_time);
  const end = numberOf(body.end_time);
  const size = numberOf(body.file_size);
  if (start === null) wrong.push("start_time");
  if (end === null || (start !== null && end < start)) wrong.push("end_time");
  if (size === null || size < 0) wrong.push("file_size");
  if (!["flv", "hls", "mp4", "aac"].includes(String(body.file_format))) wrong.push("file_format");
  if (!/^https?:\/\//u.test(textOf(body.video_url) ?? "")) wrong.push("video_url");
  if (textOf(body.stream_id) === null) wrong.push("stream_id");
  return wrong.map((path) => ({ path, message: "is wrong" }));
}

function instant(seconds: unknown, fraction: unknown, whole: boolean): string {
  const start = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return whole ? `${start}Z` : `${start}.${String(Number(fraction ?? 0)).padStart(6, "0")}Z`;
}

const identityOf = (body: Body): string =>
  textOf(body.file_id) ??
  (textOf(body.record_file_id) === null
    ? [body.stream_id, body.start_time, body.start_time_usec, body.file_format]
        .map(String)
        .join("|")
    : `${textOf(body.record_file_id)}|${textOf(body.file_format)}`);

function rowOf(id: string, body: Body, faults: CatalogueFaults): Recording {
  let ext: unknown = null;
  const rawExt = textOf(body.callback_ext);
  if (rawExt !== null) ext = JSON.parse(rawExt.replaceAll('\\"', '"'));
  const whole = faults.dropsMicroseconds === true;
  return {
    id,
    identity: identityOf(body),
    appid: String(textOf(body.appid)),
    app: textOf(body.app),
    appname: textOf(body.appname),
    streamId: String(textOf(body.stream_id)),
    channelId: textOf(body.channel_id),
    fileId: textOf(body.file_id),
    recordFileId: textOf(body.record_file_id),
    templateId: textOf(body.record_temp_id),
    taskId: textOf(body.task_id),
    format: textOf(body.file_format) as Recording["format"],
    startedAt: instant(body.start_time, body.start_time_usec, whole),
    endedAt: instant(body.end_time, body.end_time_usec, whole),
    declared: {
      durationS: Number(body.duration),
      sizeBytes: Number(body.file_size),
      bitrateKbps: null,
    },
    streamParam: "[redacted]",
    callbackExt: ext,
    mediaStartTime: numberOf(body.media_start_time),
    videoUrl: (textOf(body.video_url) ?? "").split("?")[0] ?? "",
    callbackCount: 0,
    conflictCount: 0,
    receivedAt: new Date().toISOString(),
    state: "pending",
    media: null,
    findings: [],
    stored: null,
    failure: null,
  };
}

/** What ffprobe says of every sample (packages/simulator/media/make.sh makes them); AAC has the sound alone. */
const VIDEO = { codec: "h264", width: 160, height: 90, fps: 25 };
const AUDIO = { codec: "aac", sampleRateHz: 44_100, channels: 1 };
const DURATION_S = 6.014;

/** Looks at the real file, by a plain GET: at its size, and at the end of a playlist. */
async function look(row: Recording, faults: CatalogueFaults): Promise<void> {
  const response = await fetch(row.videoUrl);
  const bytes = Buffer.from(await response.arrayBuffer());
  if (response.status !== 200) return;
  const isHls = row.format === "hls";
  const sizeBytes = faults.believesSizes === true ? row.declared.sizeBytes : bytes.length;
  row.media = {
    container: row.format,
    durationS: faults.misreadsDurations === true ? DURATION_S + 1 : DURATION_S,
    durationIsExact: true,
    sizeBytes: isHls ? null : sizeBytes,
    bitrateKbps: null,
    video: row.format === "aac" ? null : VIDEO,
    audio: AUDIO,
    hls: null,
  };
  if (isHls && !bytes.includes("#EXT-X-ENDLIST") && faults.believesSizes !== true) {
    row.findings = [{ kind: "missing_endlist", declared: null, actual: null, detail: "no end" }];
  }
  if (!isHls && sizeBytes !== row.declared.sizeBytes) {
    const { sizeBytes: declared } = row.declared;
    const kind = sizeBytes < declared ? "truncated" : "size_mismatch";
    row.findings = [{ kind, declared, actual: sizeBytes, detail: "not the size" }];
  }
  row.state = "indexed";
}

/** A catalogue in memory with the contract's outcomes, written from the contract alone. */
export function createReferenceCatalogue(faults: CatalogueFaults): ReferenceCatalogue {
  const callbacks = new Map<string, Callback>();
  const recordings = new Map<string, Recording>();
  const byIdentity = new Map<string, Recording>();
  const looking: Promise<void>[] = [];

  const newRow = (body: Body): Recording => {
    const row = rowOf(String(recordings.size + 1), body, faults);
    recordings.set(row.id, row);
    if (row.videoUrl.startsWith("http://127.0.0.1:") && faults.leavesPending !== true) {
      looking.push(look(row, faults));
    }
    return row;
  };

  const judge = (
    body: Body,
  ): Pick<Callback, "outcome" | "problems" | "conflicts"> & { row: Recording | null } => {
    const base = { problems: [], conflicts: [], row: null };
    if (String(body.event_type) !== "100") return { ...base, outcome: "unsupported" };
    const problems = problemsOf(body);
    if (problems.length > 0) return { ...base, problems, outcome: "invalid" };
    const identity = identityOf(body);
    const existing = byIdentity.get(identity);
    if (existing === undefined || faults.doubles?.(body) === true) {
      const row = newRow(body);
      byIdentity.set(identity, row);
      return { ...base, row, outcome: "recorded" };
    }
    const declared = existing.declared.sizeBytes;
    const received = Number(body.file_size);
    if (declared === received) return { ...base, row: existing, outcome: "duplicate" };
    if (faults.overwrites === true) existing.declared.sizeBytes = received;
    const conflicts = [{ field: "file_size", recorded: declared, received }];
    return { ...base, conflicts, row: existing, outcome: "conflict" };
  };

  return {
    callbacks,
    recordings,
    idle: async () => {
      await Promise.all(looking);
    },
    settle: (id, body) => {
      if (callbacks.has(id)) return;
      if (faults.loses?.(body) === true) return;
      const { row, ...judged } = judge(body);
      const outcome = faults.misjudges?.(judged.outcome, body) ?? judged.outcome;
      if (row !== null) {
        row.callbackCount += 1;
        if (judged.outcome === "conflict") row.conflictCount += 1;
      }
      const now = new Date().toISOString();
      callbacks.set(id, {
        ...judged,
        id,
        outcome,
        eventType: textOf(body.event_type),
        recordingId: row?.id ?? null,
        receivedAt: now,
        settledAt: now,
        remoteAddress: null,
        requestId: null,
        keyIndex: 0,
        unknownFields: [],
        body: faults.showsSecrets === true ? JSON.stringify(body) : "{}",
      });
    },
  };
}
