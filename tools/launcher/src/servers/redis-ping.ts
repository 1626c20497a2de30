import { connect } from "node:net";

/** What a server says to PING: `ready`, or why it is not ready yet. */
export type PingResult = { ready: true } | { ready: false; reason: string };

/**
 * Asks a Redis once whether it serves, over a connection of its own.
 *
 * A Redis that loads its append-only file accepts connections and answers `-LOADING`, so an open port is not enough.
 * Written on a bare socket: a client would reconnect and log through a start that is expected to take a moment.
 */
export function pingRedis(port: number, password: string, timeoutMs: number): Promise<PingResult> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    let received = "";
    const finish = (result: PingResult): void => {
      socket.destroy();
      resolve(result);
    };
    socket.setTimeout(timeoutMs, () => finish({ ready: false, reason: "no answer" }));
    socket.once("error", (error) => finish({ ready: false, reason: error.message }));
    socket.once("close", () => finish({ ready: false, reason: "connection closed" }));
    socket.setEncoding("latin1").on("data", (chunk: string) => {
      received = (received + chunk).slice(-1024);
      const refusal = /^-(.*)\r\n/mu.exec(received);
      if (/^\+PONG\r\n/mu.test(received)) finish({ ready: true });
      else if (refusal !== null) finish({ ready: false, reason: refusal[1] ?? "refused" });
    });
    socket.write(`${command("AUTH", password)}${command("PING")}`);
  });
}

function command(...words: readonly string[]): string {
  const parts = words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`);
  return `*${words.length}\r\n${parts.join("")}`;
}
