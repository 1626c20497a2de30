import type { Queue } from "bullmq";
import { JOB_NAMES, MEDIA_PRIORITY, mediaJobId } from "../contract/jobs.ts";
import type { MediaJob, MediaQueue } from "../contract/jobs.ts";

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
