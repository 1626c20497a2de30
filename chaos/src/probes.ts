import { request } from "node:http";
import { connect } from "node:net";

/** Whether a URL gives any answer in time, over a connection of its own. */
export function answersWithin(url: string, timeoutMs: number): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request(url, { agent: false, signal: AbortSignal.timeout(timeoutMs) });
    asked.once("response", (response) => {
      response.resume();
      resolve(true);
    });
    asked.once("error", () => resolve(false));
    asked.end();
  });
}

export type PostgresAnswer = "answered" | "closed" | "silent";

/** Asks for encryption, which a Postgres answers with one byte before anybody has to log in. */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/** What a Postgres, or what stands before it, does with a new connection. */
export function probePostgres(port: number, timeoutMs: number): Promise<PostgresAnswer> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port });
    const end = (answer: PostgresAnswer): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(timeoutMs, () => end("silent"));
    socket.once("data", () => end("answered"));
    socket.once("error", () => end("closed"));
    socket.once("close", () => end("closed"));
    socket.write(SSL_REQUEST);
  });
}
