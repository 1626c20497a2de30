import type { Queue } from "bullmq";
import type { RedisMemory } from "@reelgate/shared/redis-memory";

export interface QueueLoadOptions {
  /** Those of all shards: their callbacks that are not settled count together. */
  queues: readonly Pick<Queue, "getJobCountByTypes">[];
  memory: () => Promise<RedisMemory>;
  /** MAX_QUEUE_LENGTH; 0 for no bound. */
  maxLength: number;
  /** REDIS_MAX_MEMORY_PERCENT of Redis' own maxmemory. */
  maxMemoryPercent: number;
  onSample: (load: { length: number; isFull: boolean }) => void;
  sampleIntervalMs?: number;
}

/**
 * Knows, without asking for each callback, whether Redis has room for more of them.
 *
 * Redis that is full refuses every write, those of the workers too: they could not queue the next stage's jobs, nothing
 * would leave the queue, and it would stay full. So callbacks stop some way before.
 *
 * It is sampled once a second: what comes within that second goes beyond the bound. A reading that fails changes nothing,
 * because a Redis that does not answer is somebody else's to see; each of the two bounds has a reading of its own, since
 * a managed Redis may tell its lengths and refuse INFO.
 */
export class QueueLoad implements Disposable {
  readonly #options: QueueLoadOptions;
  readonly #timer: NodeJS.Timeout;
  #sampling = false;
  #tooLong: string | null = null;
  #tooFull: string | null = null;

  constructor(options: QueueLoadOptions) {
    this.#options = options;
    this.#timer = setInterval(() => void this.#sample(), options.sampleIntervalMs ?? 1000);
    void this.#sample();
  }

  /** Why the queue takes no more at this moment, or null. */
  refusal(): string | null {
    return this.#tooLong ?? this.#tooFull;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }

  async #sample(): Promise<void> {
    if (this.#sampling) return;
    this.#sampling = true;
    const { maxLength, onSample } = this.#options;
    const [length, memory] = await Promise.allSettled([this.#length(), this.#options.memory()]);
    this.#sampling = false;
    if (memory.status === "fulfilled") this.#tooFull = this.#judgeMemory(memory.value);
    if (length.status === "rejected") return;
    this.#tooLong =
      maxLength > 0 && length.value >= maxLength
        ? `${length.value} callbacks wait in Redis (MAX_QUEUE_LENGTH)`
        : null;
    onSample({ length: length.value, isFull: this.refusal() !== null });
  }

  async #length(): Promise<number> {
    const lengths = await Promise.all(
      this.#options.queues.map((queue) =>
        queue.getJobCountByTypes("waiting", "prioritized", "delayed", "active"),
      ),
    );
    return lengths.reduce((sum, length) => sum + length, 0);
  }

  #judgeMemory({ usedBytes, maxBytes }: RedisMemory): string | null {
    const { maxMemoryPercent } = this.#options;
    const percent = maxBytes === 0 ? 0 : Math.floor((100 * usedBytes) / maxBytes);
    return maxMemoryPercent < 100 && percent >= maxMemoryPercent
      ? `Redis uses ${percent} % of its memory (REDIS_MAX_MEMORY_PERCENT)`
      : null;
  }
}
