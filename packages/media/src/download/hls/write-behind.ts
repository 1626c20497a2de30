/** What of a file handle is needed. */
export interface PositionedWriter {
  write(
    bytes: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ bytesWritten: number }>;
}

/** Writes what it is given at the end of a file, while its caller goes on. One caller at a time. */
export interface WriteBehind {
  /** Takes the bytes, which must not change any more. Waits only when the disk is far behind. */
  push(bytes: Uint8Array): Promise<void>;
  /** Resolves when all is written. Throws the first error of the disk, as `push` does, once and for all. */
  settle(): Promise<void>;
  /** What comes next is written from here on. Everything must be settled. */
  moveTo(position: number): void;
}

/** Of one file: whoever reads from an origin holds some ten of them. */
const MAX_UNWRITTEN_BYTES = 1_048_576;

/** Begins at position 0. */
export function createWriteBehind(handle: PositionedWriter): WriteBehind {
  let unwritten: Uint8Array[] = [];
  let unwrittenBytes = 0;
  let position = 0;
  let writing: Promise<void> | null = null;
  let failure: { error: unknown } | null = null;

  async function write(bytes: Uint8Array): Promise<void> {
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, position);
      done += bytesWritten;
      position += bytesWritten;
    }
  }

  async function writeAll(): Promise<void> {
    try {
      while (unwritten.length > 0) {
        const [only, ...others] = unwritten;
        const bytes = only !== undefined && others.length === 0 ? only : Buffer.concat(unwritten);
        unwritten = [];
        unwrittenBytes = 0;
        await write(bytes);
      }
    } catch (error) {
      failure ??= { error };
    } finally {
      writing = null;
    }
  }

  function throwFailure(): void {
    if (failure !== null) {
      throw failure.error;
    }
  }

  async function settle(): Promise<void> {
    await writing;
    throwFailure();
  }

  return {
    settle,
    async push(bytes): Promise<void> {
      // What comes behind a hole must never be written, also when there is room again by now.
      throwFailure();
      if (bytes.length > 0) {
        unwritten.push(bytes);
        unwrittenBytes += bytes.length;
        writing ??= writeAll();
      }
      if (unwrittenBytes > MAX_UNWRITTEN_BYTES) {
        await settle();
      }
    },
    moveTo(next): void {
      position = next;
    },
  };
}
