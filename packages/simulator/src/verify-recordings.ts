import type {
  Outcome,
  Recording,
  RecordingWithCallbacks,
} from "@reelgate/shared/contract/recording";
import { ApiError } from "./api-client.ts";
import type { Shown } from "./api-client.ts";
import { fileVerdict, rowDifferences } from "./expected-recording.ts";
import type { BodyFields, PlannedRecording } from "./plan.ts";
import type { SentBody } from "./send.ts";
import { forEachLimited } from "./slots.ts";
import type { SettledBody, Verification } from "./verification.ts";

/** A planned recording, with those of its callbacks that are in the catalogue. */
interface Group {
  planned: PlannedRecording;
  /** Acknowledged callbacks that are not there. */
  lost: SentBody[];
  settled: SettledBody[];
}

/** A group with the one callback that made its row. */
interface Row {
  group: Group;
  recordingId: string;
  fields: BodyFields;
}

const variantOf = (run: Verification, body: SentBody): string | null => {
  const expect = run.plan.callbacks[body.callback]?.expect;
  return expect?.kind === "recording" ? expect.variant : null;
};

function groupsOf(
  run: Verification,
  acknowledged: readonly SentBody[],
  settled: ReadonlyMap<string, SettledBody>,
): Group[] {
  const groups = new Map<string, Group>(
    run.plan.recordings.map((planned) => [planned.key, { planned, lost: [], settled: [] }]),
  );
  for (const entry of settled.values()) {
    const { expect } = entry.planned;
    if (expect.kind === "recording") groups.get(expect.recording)?.settled.push(entry);
  }
  for (const body of acknowledged) {
    const expect = run.plan.callbacks[body.callback]?.expect;
    if (expect?.kind === "recording" && !settled.has(body.id)) {
      groups.get(expect.recording)?.lost.push(body);
    }
  }
  return [...groups.values()].filter((group) => group.settled.length + group.lost.length > 0);
}

/**
 * Of the callbacks about one recording exactly one makes the row, whichever came first; those that say the same are
 * duplicates, those that contradict it conflicts.
 */
function checkOutcomes(run: Verification, group: Group): Row | null {
  const { ledger } = run;
  const { planned, settled, lost } = group;
  const winner = settled.find((entry) => entry.callback.outcome === "recorded");
  const bodies = [...settled.map((entry) => entry.body), ...lost];
  const first = winner?.body ?? bodies[0];
  const variant = first === undefined ? null : variantOf(run, first);
  const expectedOutcome = (body: SentBody): Outcome => {
    if (body === first) return "recorded";
    return variantOf(run, body) === variant ? "duplicate" : "conflict";
  };
  for (const body of bodies) {
    ledger.expect(expectedOutcome(body), 1, 0);
  }
  for (const entry of settled) {
    ledger.expect(entry.callback.outcome, 0, 1);
    if (winner !== undefined && entry !== winner) {
      checkOther(run, entry, winner, expectedOutcome(entry.body));
    }
  }
  const fields = variant === null ? undefined : planned.variants.get(variant);
  const recordingId = winner?.callback.recordingId ?? null;
  if (winner === undefined) {
    const outcomes = settled.map((entry) => entry.callback.outcome).join(", ") || "nothing";
    ledger.deviation("wrong_outcome", planned.key, "one callback recorded", outcomes);
  } else if (recordingId === null) {
    ledger.deviation("wrong_recording", planned.key, "a recording", "none at its callback");
  }
  return recordingId === null || fields === undefined ? null : { group, recordingId, fields };
}

/** One of the callbacks that came after the one that made the row. */
function checkOther(
  run: Verification,
  entry: SettledBody,
  winner: SettledBody,
  expected: Outcome,
): void {
  const { ledger } = run;
  const { outcome, conflicts, recordingId } = entry.callback;
  const subject = `${entry.planned.label}, ${entry.body.id}`;
  if (outcome !== expected) {
    const kind = outcome === "recorded" ? "doubled" : "wrong_outcome";
    ledger.deviation(kind, subject, expected, outcome);
  } else if ((outcome === "conflict") !== conflicts.length > 0) {
    const reasons = conflicts.map((conflict) => conflict.field).join(", ") || "none";
    ledger.deviation("wrong_outcome", subject, `the reasons of a ${outcome}`, reasons);
  }
  if (recordingId !== winner.callback.recordingId) {
    ledger.deviation(
      "wrong_recording",
      subject,
      `recording ${winner.callback.recordingId ?? "none"}`,
      recordingId ?? "none",
    );
  }
}

/** Counts and callbacks of a row against the callbacks that were found for it. */
function checkCallbacksOfRow(run: Verification, row: Row, found: RecordingWithCallbacks): boolean {
  const { ledger } = run;
  const { settled, planned } = row.group;
  const ids = found.callbacks.map((callback) => callback.id);
  const expectedIds = new Set(settled.map((entry) => entry.body.id));
  const missing = [...expectedIds].filter((id) => !ids.includes(id));
  const subject = `${planned.key}, recording ${found.id}`;
  let isRight = true;
  const wrong = (kind: "doubled" | "wrong_recording", expected: string, actual: string): void => {
    isRight = false;
    ledger.deviation(kind, subject, expected, actual);
  };
  if (new Set(ids).size !== ids.length) {
    wrong("doubled", "each callback once", `${ids.length} callbacks, ${new Set(ids).size} ids`);
  }
  if (missing.length > 0) {
    wrong("wrong_recording", "all its callbacks", `${missing.length} of them not listed`);
  }
  if (found.callbackCount !== expectedIds.size) {
    wrong(
      "wrong_recording",
      `callbackCount ${expectedIds.size}`,
      `callbackCount ${found.callbackCount}`,
    );
  }
  const conflicts = settled.filter((entry) => entry.callback.outcome === "conflict").length;
  if (found.conflictCount !== conflicts) {
    wrong("wrong_recording", `conflictCount ${conflicts}`, `conflictCount ${found.conflictCount}`);
  }
  return isRight;
}

async function askForRecording(
  run: Verification,
  row: Row,
): Promise<Shown<RecordingWithCallbacks> | "missing" | "later" | "unreadable"> {
  try {
    return (await run.api.recording(row.recordingId)) ?? "missing";
  } catch (error) {
    if (!(error instanceof ApiError) || error.kind === "refused") throw error;
    if (error.kind === "unavailable") return "later";
    const subject = `${row.group.planned.key}, recording ${row.recordingId}`;
    run.ledger.deviation("unreadable", subject, "an answer within the contract", error.message);
    return "unreadable";
  }
}

/** False while the file of the row may still settle and there is time left. */
async function checkRow(run: Verification, row: Row, isLast: boolean): Promise<boolean> {
  const { ledger } = run;
  const { planned } = row.group;
  const subject = `${planned.key} (${planned.format}), recording ${row.recordingId}`;
  const answer = await askForRecording(run, row);
  if (answer === "later") {
    if (!isLast) return false;
    ledger.deviation("wrong_recording", subject, "an answer of the API", "none");
    return true;
  }
  if (answer === "unreadable") return true;
  if (answer === "missing") {
    ledger.deviation("wrong_recording", subject, "a row", "none with this id");
    return true;
  }
  const found = answer.value;
  const verdict = fileVerdict(found, planned, Number(row.fields.file_size));
  if (verdict.kind === "waiting" && !isLast) return false;

  const fileDifferences = verdict.kind === "waiting" ? [verdict.difference] : verdict.differences;
  for (const { what, expected, found: actual } of fileDifferences) {
    ledger.deviation("wrong_media", `${subject}, ${what}`, expected, actual);
  }
  if (planned.file.kind !== "unasserted") {
    ledger.expect(planned.file.kind, 0, fileDifferences.length === 0 ? 1 : 0);
  }
  const differences = rowDifferences(found, row.fields);
  for (const { what, expected, found: actual } of differences) {
    ledger.deviation("wrong_recording", `${subject}, ${what}`, expected, actual);
  }
  if (checkCallbacksOfRow(run, row, found) && differences.length === 0) {
    ledger.expect("recordings", 0, 1);
  }
  const secrets = row.group.settled.flatMap((entry) => [
    ...entry.planned.secrets,
    ...(entry.body.sign === null ? [] : [entry.body.sign]),
  ]);
  if (secrets.some((secret) => answer.text.includes(secret))) {
    ledger.deviation("secret_shown", subject, "sign and push secret redacted", "one of them");
  }
  return true;
}

/** Every stream has exactly the recordings that were announced for it: none is doubled, none comes from a forgery. */
async function checkStreams(run: Verification, rows: readonly Row[]): Promise<void> {
  const expectedIds = new Map<string, Set<string>>();
  for (const { group, recordingId } of rows) {
    const { streamId } = group.planned;
    expectedIds.set(streamId, (expectedIds.get(streamId) ?? new Set()).add(recordingId));
  }
  await forEachLimited(run.plan.streams.keys(), run.concurrency, async (streamId) => {
    let found: Recording[];
    try {
      found = await run.api.recordingsOfStream(streamId);
    } catch (error) {
      if (!(error instanceof ApiError) || error.kind === "refused") throw error;
      const kind = error.kind === "unreadable" ? "unreadable" : "wrong_recording";
      run.ledger.deviation(kind, `stream ${streamId}`, "its recordings", error.message);
      return;
    }
    const expected = expectedIds.get(streamId) ?? new Set<string>();
    const ids = found.map((recording) => recording.id);
    for (const id of new Set(ids)) {
      if (!expected.has(id)) {
        const kind = expected.size === 0 ? "unplanned" : "doubled";
        run.ledger.deviation(
          kind,
          `stream ${streamId}`,
          `${expected.size} recordings`,
          `recording ${id} besides`,
        );
      }
    }
    if (new Set(ids).size !== ids.length) {
      run.ledger.deviation("doubled", `stream ${streamId}`, "each recording once", ids.join(", "));
    }
    const absent = [...expected].filter((id) => !ids.includes(id));
    if (absent.length > 0) {
      const list = `recordings ${absent.join(", ")}`;
      run.ledger.deviation("wrong_recording", `stream ${streamId}`, list, "not listed");
    }
  });
}

/** The outcomes of callbacks about recordings, their rows, their files, and the lists of their streams. */
export async function verifyRecordings(
  run: Verification,
  acknowledged: readonly SentBody[],
  settled: ReadonlyMap<string, SettledBody>,
): Promise<void> {
  const groups = groupsOf(run, acknowledged, settled);
  const rows: Row[] = [];
  for (const group of groups) {
    run.ledger.expect("recordings", 1, 0);
    if (group.planned.file.kind !== "unasserted") run.ledger.expect(group.planned.file.kind, 1, 0);
    const row = checkOutcomes(run, group);
    if (row !== null) rows.push(row);
  }
  let open: Row[] = rows;
  for (let isLast = false; open.length > 0;) {
    const waiting: Row[] = [];
    let done = rows.length - open.length;
    await forEachLimited(open, run.concurrency, async (row) => {
      if (await checkRow(run, row, isLast)) {
        done += 1;
        run.onProgress("Verifying", done, rows.length);
      } else {
        waiting.push(row);
      }
    });
    open = waiting;
    if (open.length > 0) isLast = !(await run.tick());
  }
  await checkStreams(run, rows);
}
