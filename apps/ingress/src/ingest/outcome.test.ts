import { expect, test } from "vitest";
import { ERRORS } from "@reelgate/shared/errors";
import { answerTo } from "./outcome.ts";
import type { Refusal } from "./outcome.ts";

/** A record, so that a refusal that is missing here does not compile. */
const REFUSALS: Record<Refusal, true> = {
  malformed_json: true,
  not_an_object: true,
  missing_signature: true,
  bad_signature: true,
  expired: true,
  too_large: true,
  not_found: true,
  method_not_allowed: true,
  rate_limited: true,
  overloaded: true,
  queue_unavailable: true,
  internal: true,
};

test("only an accepted callback is answered 200, with what the provider's examples answer", () => {
  expect(answerTo("accepted")).toEqual({ status: 200, body: '{"code":0}', retryAfterS: null });
});

test.each(Object.keys(REFUSALS) as Refusal[])("%s is answered as the registry says", (refusal) => {
  const answer = answerTo(refusal);
  expect(answer.status).toBe(ERRORS[refusal].status);
  expect(JSON.parse(answer.body)).toEqual({ code: answer.status, error: refusal });
});

test("429 and 503, and no other, say when to come back, in whole seconds", () => {
  const refusals = Object.keys(REFUSALS) as Refusal[];
  const comeBack = refusals.filter((refusal) => {
    const { retryAfterS } = answerTo(refusal);
    return retryAfterS !== null && Number.isInteger(retryAfterS) && retryAfterS > 0;
  });
  expect(comeBack).toEqual(
    refusals.filter((refusal) => [429, 503].includes(answerTo(refusal).status)),
  );
  expect(comeBack).toEqual(refusals.filter((refusal) => answerTo(refusal).retryAfterS !== null));
});
