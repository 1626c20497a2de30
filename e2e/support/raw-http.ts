import { connect } from "node:net";
import type { Socket } from "node:net";
import { until } from "@reelgate/testkit/latch";

/** A TCP connection on which a test writes whatever it likes, and reads what comes back. */
export interface RawConnection extends AsyncDisposable {
  readonly socket: Socket;
  /** What has come so far. */
  received(): string;
  write(bytes: string | Uint8Array): void;
  /** Ends the writing side. */
  end(): void;
  /** Everything that has come, once there is `text` in it. */
  untilReceived(text: string, timeoutMs?: number): Promise<string>;
  /** Everything that has come, once the other side has closed. */
  untilClosed(timeoutMs?: number): Promise<string>;
}

export async function openConnection(port: number): Promise<RawConnection> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true });
  let text = "";
  let closed = false;
  socket.setEncoding("latin1");
  socket.on("data", (chunk: string) => {
    text += chunk;
  });
  // The peer may reset the connection after its answer; the answer counts.
  socket.on("error", () => {});
  socket.on("close", () => {
    closed = true;
  });
  await until(() => socket.readyState === "open" || closed, { what: "a connection" });
  const quoted = (): string => JSON.stringify(text.slice(0, 200));
  const seen = async (what: string, timeoutMs: number, done: () => boolean): Promise<string> => {
    try {
      await until(done, { timeoutMs });
    } catch (error) {
      throw new Error(`${what} did not come, but ${quoted()}`, { cause: error });
    }
    return text;
  };
  return {
    socket,
    received: () => text,
    write: (bytes) => {
      socket.write(bytes);
    },
    end: () => {
      socket.end();
    },
    untilReceived: (wanted, timeoutMs = 10_000) =>
      seen(JSON.stringify(wanted), timeoutMs, () => text.includes(wanted)),
    untilClosed: (timeoutMs = 20_000) => seen("the end", timeoutMs, () => closed),
    async [Symbol.asyncDispose]() {
      socket.destroy();
      await until(() => closed);
    },
  };
}

/** Status codes of the answers in what a connection received, in their order. */
export function statuses(received: string): number[] {
  return [...received.matchAll(/HTTP\/1\.1 (\d{3}) /gu)].map(([, status]) => Number(status));
}
