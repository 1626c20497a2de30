import { createBullBoard } from "@bull-board/api";
import { BullMQAdapter } from "@bull-board/api/bullMQAdapter";
import type { BoardHooks } from "@bull-board/api/typings/app";
import { ExpressAdapter } from "@bull-board/express";
import type { Queue } from "bullmq";
import type { Express } from "express";
import { redactBoardAnswer } from "./redact-board-answer.ts";

/** Most jobs that one page shows. The board itself takes any number and would load them all into memory. */
const MAX_JOBS_PER_PAGE = 50;

export interface BoardOptions {
  queues: readonly Queue[];
  /** Where the board is mounted, without a slash at the end. */
  basePath: string;
  /** A failure of the board, for the log. */
  onError: (error: Error) => void;
}

/**
 * Bull Board over the queues, to look at and not to touch.
 *
 * - Read-only: its buttons clean and obliterate whole queues, and a callback that was acknowledged is in one of them.
 *   A recording is retried through the API, which keeps state and job together.
 * - Redacted (guarantee G6): a callback's job holds the signed body. Every answer passes one redaction, whatever field
 *   a secret has come into: data, reasons of failure, stack traces, logs, return values. It bounds the answer too.
 * - `showWorkers: false`: it would run CLIENT LIST, for each queue, at every poll of every open page.
 */
export function createBoard(options: BoardOptions): Express {
  const { queues, basePath, onError } = options;
  const server = new ExpressAdapter();
  server.setBasePath(basePath);
  createBullBoard({
    queues: queues.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true })),
    serverAdapter: server,
    options: {
      handlerHooks,
      uiConfig: {
        boardTitle: "Reelgate queues",
        hideDocsLink: true,
        showWorkers: false,
        miscLinks: [{ text: "Dashboard", url: "/" }],
      },
    },
  });
  // Replaces the board's own, which answers with the raw message of whatever was thrown.
  server.setErrorHandler((error) => {
    const { status, key } = boardError(error);
    if (status === 500) onError(error);
    return { status, body: { error: { key } } };
  });
  const app = server.getRouter() as Express;
  app.disable("x-powered-by");
  return app;
}

/** What the board's own page asks for: BullMQ's states, and two words of the board. */
const JOB_STATES: ReadonlySet<string> = new Set([
  "",
  "latest",
  "active",
  "waiting",
  "waiting-children",
  "prioritized",
  "completed",
  "failed",
  "delayed",
  "paused",
]);

const handlerHooks: BoardHooks = {
  before: ({ method, request }) => {
    if (method !== "get") return { allow: false, status: 405, errorKey: "ERRORS.QUEUE_READ_ONLY" };
    const { jobsPerPage, status } = request.query;
    // The board makes the name of a key of Redis of it, and fails where there is none.
    if (status !== undefined && !JOB_STATES.has(String(status))) {
      return { allow: false, status: 400, errorKey: "ERRORS.INVALID_QUERY_PARAM" };
    }
    if (Number(jobsPerPage) > MAX_JOBS_PER_PAGE)
      request.query.jobsPerPage = String(MAX_JOBS_PER_PAGE);
    return { allow: true };
  },
  // A failure is the key of a text of the board, and tells nothing of a job.
  after: (_context, result) =>
    (result.status ?? 200) >= 400
      ? result
      : { ...result, body: redactBoardAnswer(result.body) as typeof result.body },
};

function boardError(error: Error): {
  status: 400 | 500;
  key:
    | "ERRORS.INVALID_REQUEST_BODY"
    | "ERRORS.INVALID_QUERY_PARAM"
    | "ERRORS.INTERNAL_SERVER_ERROR";
} {
  if (error instanceof URIError) return { status: 400, key: "ERRORS.INVALID_QUERY_PARAM" };
  if ("statusCode" in error && Number(error.statusCode) < 500) {
    return { status: 400, key: "ERRORS.INVALID_REQUEST_BODY" };
  }
  return { status: 500, key: "ERRORS.INTERNAL_SERVER_ERROR" };
}
