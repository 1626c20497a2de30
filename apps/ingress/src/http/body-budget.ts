/** What one request holds of the memory for bodies, from its first byte to its answer. */
export interface HeldBody extends Disposable {
  /** So many bytes more of the body are here. */
  grow(bytes: number): void;
  /** All of it is here: from now on it does not give way. */
  arrived(): void;
}

interface Hold {
  sizeBytes: number;
  giveWay: () => void;
}

/**
 * Bounds the memory that bodies take together, those on their way and those that wait for the queue (MAX_IN_FLIGHT_BYTES).
 *
 * Bytes of large bodies count when they are here, not when they are announced, or whoever announces much and sends little would hold what
 * others need. At the bound the body that began first and has not arrived gives way: a callback is one or two packets and
 * arrives within a round trip, so the oldest is the slowest, and slow senders shut nobody out but each other. Ten thousand
 * connections that each stop in the middle of 64 KB hold the bound and no byte more.
 */
export class BodyBudget {
  readonly #maxBytes: number;
  /** In the order in which they began. */
  readonly #arriving = new Set<Hold>();
  #heldBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get heldBytes(): number {
    return this.#heldBytes;
  }

  /** @param giveWay called at most once, when this body must be given up; nothing of it is counted from then on. */
  begin(giveWay: () => void): HeldBody {
    const hold: Hold = { sizeBytes: 0, giveWay };
    this.#arriving.add(hold);
    return {
      grow: (bytes) => this.#grow(hold, bytes),
      arrived: () => {
        this.#arriving.delete(hold);
      },
      [Symbol.dispose]: () => {
        this.#arriving.delete(hold);
        this.#heldBytes -= hold.sizeBytes;
        hold.sizeBytes = 0;
      },
    };
  }

  #grow(hold: Hold, bytes: number): void {
    // One that gave way may still be told of bytes that were on their way.
    if (!this.#arriving.has(hold)) return;
    hold.sizeBytes += bytes;
    this.#heldBytes += bytes;
    if (this.#heldBytes <= this.#maxBytes) return;
    for (const oldest of this.#arriving) {
      this.#arriving.delete(oldest);
      this.#heldBytes -= oldest.sizeBytes;
      oldest.sizeBytes = 0;
      oldest.giveWay();
      if (this.#heldBytes <= this.#maxBytes) return;
    }
  }
}
