import { redactBody, redactJson } from "@reelgate/shared/redact";

/**
 * Jobs of one answer together, beside the last that is shown whole. To redact 50 bodies of 60 KB takes half a second of
 * the event loop; real jobs have 3 KB, of which 300 fit.
 */
export const MAX_ANSWER_BYTES = 1_048_576;

const LEFT_OUT = "left out, since all jobs together are too large; open this one alone";
/** Texts that are longer are left out: bodies, stack traces. */
const MAX_SHORT_CHARS = 512;

/**
 * What Bull Board answers, redacted once (guarantee G6) and bounded: when the jobs of a list pass
 * {@link MAX_ANSWER_BYTES}, the further ones keep their short fields and a note in the place of each long one.
 *
 * @throws RangeError for a job that nests too deeply to be written as JSON.
 */
export function redactBoardAnswer(body: unknown): unknown {
  if (!isRecord(body)) return redactJson(body);
  let bytes = 0;
  const shownJob = (job: unknown): unknown => {
    const isOver = bytes > MAX_ANSWER_BYTES;
    bytes += JSON.stringify(job).length;
    return redactJob(isOver ? withoutLongTexts(job) : job);
  };
  const { job, queues, ...others } = body;
  return {
    ...redactMembers(others),
    ...(job === undefined ? {} : { job: shownJob(job) }),
    ...(Array.isArray(queues)
      ? { queues: queues.map((queue) => redactQueue(queue, shownJob)) }
      : redactMembers({ queues })),
  };
}

function redactQueue(queue: unknown, shownJob: (job: unknown) => unknown): unknown {
  if (!isRecord(queue) || !Array.isArray(queue["jobs"])) return redactJson(queue);
  const { jobs, ...others } = queue;
  return { ...redactMembers(others), jobs: (jobs as unknown[]).map(shownJob) };
}

function redactJob(job: unknown): unknown {
  if (!isRecord(job)) return redactJson(job);
  const { data, ...others } = job;
  if (!isRecord(data)) return { ...redactMembers(others), data: redactJson(data) };
  const { body, ...otherData } = data;
  // As any other string, a body that is not JSON would be shown but for the secrets that are found in it.
  const shown = typeof body === "string" && body !== LEFT_OUT ? redactBody(body) : redactJson(body);
  return { ...redactMembers(others), data: { ...redactMembers(otherData), body: shown } };
}

function redactMembers(record: Record<string, unknown>): Record<string, unknown> {
  return redactJson(record) as Record<string, unknown>;
}

function withoutLongTexts(value: unknown): unknown {
  if (typeof value === "string") return value.length > MAX_SHORT_CHARS ? LEFT_OUT : value;
  if (Array.isArray(value)) return value.map(withoutLongTexts);
  if (!isRecord(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, withoutLongTexts(item)]),
  );
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
