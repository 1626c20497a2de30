import { judgeCallback } from "@reelgate/catalogue/judge-callback";
import type { CallbackToSettle } from "@reelgate/catalogue/settle";
import { callbackJobId } from "@reelgate/shared/contract/jobs";
import type { CallbackJob } from "@reelgate/shared/contract/jobs";

/** The callback of a job with its judgement. The id is computed anew: it is of the body, whatever the job is called. */
export function judgedCallback(job: CallbackJob): CallbackToSettle {
  return {
    id: callbackJobId(Buffer.from(job.body)),
    body: job.body,
    receivedAtMs: job.receivedAtMs,
    requestId: job.requestId,
    remoteAddress: job.remoteAddress,
    keyIndex: job.keyIndex,
    ...judgeCallback(job.body),
  };
}
