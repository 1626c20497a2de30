import type { Queue } from "bullmq";
import { JOB_NAMES, MEDIA_PRIORITY, mediaJobId } from "../contract/jobs.ts";
import type { MediaJob } from "../contract/jobs.ts";

/** Puts recordings in front of stage 2. Any number of calls for one recording and generation make one job. */
export interface MediaQueue {
  enqueue(job: MediaJob): Promise<void>;
}

export function bullmqMediaQueue(queue: Queue<MediaJob, void, string>): MediaQueue {
  return {
    async enqueue(job) {
      await queue.add(JOB_NAMES.media, job, {
        jobId: mediaJobId(job),
        priority: MEDIA_PRIORITY.firstLook,
      });
    },
  };
}
