import type { IncomingMessage, ServerResponse } from "node:http";
import { raw } from "express";
import type { Request } from "express";
import type { BodyBudget, HeldBody } from "./body-budget.ts";

export type RawBody =
  /** The caller gives `held` back when it has no more use for the bytes. */
  | { ok: true; bytes: Buffer; held: HeldBody }
  | { ok: false; kind: "too_large" | "malformed_json"; detail: string }
  /** It gave way to others; what is still to come of it is not read. */
  | { ok: false; kind: "overloaded"; detail: string; isGivenUp: true };

/** Reads the body of a request; it settles when the client has sent all of it, or too much, or has gone. */
export type RawBodyReader = (
  request: IncomingMessage,
  response: ServerResponse,
) => Promise<RawBody>;

/**
 * A body that announces no more than this is counted by its word, which costs it no listener: as many as there may be
 * connections take no more than the bound by it. True callbacks are of this kind.
 */
const SMALL_BODY_BYTES = 4096;

/**
 * Body bytes as they came, whatever the content type says. Nothing is decompressed: the id of a callback is made from
 * the bytes that the provider sends, and a small body must not become a large one.
 */
export function rawBodyReader(limitBytes: number, budget: BodyBudget): RawBodyReader {
  const read = raw({ type: () => true, limit: limitBytes, inflate: false });
  return (request, response) =>
    new Promise((resolve, reject) => {
      const held = budget.begin(() => {
        resolve({
          ok: false,
          kind: "overloaded",
          detail: "bodies take more memory than MAX_IN_FLIGHT_BYTES, and this one is slow",
          isGivenUp: true,
        });
      });
      const announcedBytes = Number(request.headers["content-length"]);
      if (announcedBytes <= SMALL_BODY_BYTES) held.grow(announcedBytes);
      else request.on("data", (chunk: Buffer) => held.grow(chunk.length));
      read(request, response, (error?: unknown) => {
        if (error === undefined) {
          const body: unknown = (request as Request).body;
          held.arrived();
          resolve({ ok: true, bytes: Buffer.isBuffer(body) ? body : Buffer.alloc(0), held });
          return;
        }
        held[Symbol.dispose]();
        const refusal = refusalOf(error);
        if (refusal === null) reject(new Error("the body could not be read", { cause: error }));
        else resolve(refusal);
      });
    });
}

/** Errors of body-parser carry a status and, mostly, a type; anything from 500 on is a defect of this program. */
function refusalOf(error: unknown): (RawBody & { ok: false }) | null {
  if (!(error instanceof Error) || !("status" in error)) return null;
  const type = "type" in error && typeof error.type === "string" ? error.type : "request.broken";
  if (error.status === 413) return { ok: false, kind: "too_large", detail: type };
  if (typeof error.status !== "number" || error.status >= 500) return null;
  return { ok: false, kind: "malformed_json", detail: type };
}
