export interface MicroBatcherOptions<Item, Result> {
  /**
   * Does the work of a whole batch: one result for each item, in their order. What it rejects with is the end of every
   * item of the batch, unless {@link isolates} says otherwise.
   */
  run: (items: readonly Item[]) => Promise<readonly Result[]>;
  /** Most items of a batch. */
  maxSize: number;
  /** Where items differ in size: a batch ends before it weighs more than `max`. An item above that goes alone. */
  weight?: { of: (item: Item) => number; max: number };
  /** Most batches under way at a time. */
  maxInFlight: number;
  /**
   * Whether an error may be the fault of one item alone: each item of the batch is then run again in a batch of its own,
   * one after the other, so that it fails nobody else. `run` must be idempotent for such errors: some of the items may be
   * done already. Say false of what would fail each of them alike: callers would wait for nothing.
   */
  isolates: (error: unknown) => boolean;
  /** A batch has ended, whatever came of it. */
  onBatch?: (size: number) => void;
}

interface Waiting<Item, Result> {
  item: Item;
  resolve: (result: Result) => void;
  reject: (error: unknown) => void;
}

/**
 * Makes batches of what concurrent callers ask for: a group commit, whose cost is shared by all that came meanwhile.
 *
 * - What arrives in one turn of the event loop leaves together, in the phase after it (`setImmediate`): nobody waits for
 *   a timer, and a caller that is alone goes alone.
 * - While {@link MicroBatcherOptions.maxInFlight} batches are under way, callers wait; the next batch leaves as soon as one
 *   ends, and is the larger for it. A single batch under way would double the latency of whoever comes while it runs.
 * - First come, first served. Every caller gets its own result or the error of its own item.
 */
export class MicroBatcher<Item, Result> {
  readonly #options: MicroBatcherOptions<Item, Result>;
  #waiting: Waiting<Item, Result>[] = [];
  #inFlight = 0;
  #isScheduled = false;

  constructor(options: MicroBatcherOptions<Item, Result>) {
    this.#options = options;
  }

  /** Items that no batch has taken up yet. */
  get waiting(): number {
    return this.#waiting.length;
  }

  submit(item: Item): Promise<Result> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#isScheduled || this.#inFlight >= this.#options.maxInFlight) return;
      this.#isScheduled = true;
      setImmediate(() => {
        this.#isScheduled = false;
        this.#dispatch();
      });
    });
  }

  /**
   * Takes an item back, if no batch has taken it up yet, that its caller has given up: it would cost memory, and the
   * time of those behind it, for nobody. Its promise stays open.
   */
  withdraw(item: Item): void {
    const index = this.#waiting.findIndex((waiting) => waiting.item === item);
    if (index !== -1) this.#waiting.splice(index, 1);
  }

  #dispatch(): void {
    while (this.#waiting.length > 0 && this.#inFlight < this.#options.maxInFlight) {
      this.#inFlight++;
      void this.#settle(this.#takeBatch()).finally(() => {
        this.#inFlight--;
        this.#dispatch();
      });
    }
  }

  #takeBatch(): Waiting<Item, Result>[] {
    const { maxSize, weight } = this.#options;
    let size = Math.min(maxSize, this.#waiting.length);
    if (weight !== undefined) {
      let total = 0;
      const tooMany = this.#waiting.slice(0, size).findIndex(({ item }, index) => {
        total += weight.of(item);
        return index > 0 && total > weight.max;
      });
      if (tooMany !== -1) size = tooMany;
    }
    return this.#waiting.splice(0, size);
  }

  /** Never rejects. */
  async #settle(batch: Waiting<Item, Result>[]): Promise<void> {
    try {
      const results = await this.#run(batch.map(({ item }) => item));
      for (const [index, { resolve }] of batch.entries()) resolve(results[index] as Result);
    } catch (error) {
      if (batch.length === 1 || !this.#options.isolates(error)) {
        for (const { reject } of batch) reject(error);
        return;
      }
      for (const alone of batch) await this.#settle([alone]);
    }
  }

  async #run(items: readonly Item[]): Promise<readonly Result[]> {
    try {
      const results = await this.#options.run(items);
      if (results.length !== items.length) {
        throw new Error(`a batch of ${items.length} items has ${results.length} results`);
      }
      return results;
    } finally {
      this.#options.onBatch?.(items.length);
    }
  }
}
