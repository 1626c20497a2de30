import type { Server } from "node:http";
import type { Socket } from "node:net";

export interface ConnectionsOptions {
  /** MAX_CONNECTIONS, as far as the process may open files. */
  max: number;
  /** A connection was closed to make room. */
  onDropped: () => void;
}

/**
 * Bounds the connections to the public port. At the bound the one that has been without an answer for the longest makes
 * room for the new one: one that is idle, says nothing, or sends its request slowly. A true callback comes within a round
 * trip of its connection, so ten thousand idle connections, or slow ones, close each other and nobody else.
 *
 * Node's own `maxConnections` does the opposite: it drops the new ones, and who came first keeps everybody out.
 *
 * A connection whose callback has arrived is not closed. With several requests on one connection at a time that holds for
 * the first of them: of the others the answer may be lost, which makes the provider repeat them.
 */
export class Connections {
  readonly #options: ConnectionsOptions;
  /** Those that may be closed; who was served last is at the end. */
  readonly #waiting = new Set<Socket>();
  #open = 0;

  constructor(options: ConnectionsOptions) {
    this.#options = options;
  }

  get open(): number {
    return this.#open;
  }

  watch(server: Server): void {
    server.on("connection", (socket: Socket) => {
      this.#open++;
      this.#waiting.add(socket);
      socket.once("close", () => {
        this.#open--;
        this.#waiting.delete(socket);
      });
      if (this.#open > this.#options.max) this.#dropOldest();
    });
  }

  /** A callback has arrived on it. */
  hold(socket: Socket): void {
    this.#waiting.delete(socket);
  }

  /** Its callback is answered. */
  letGo(socket: Socket): void {
    if (!socket.destroyed) this.#waiting.add(socket);
  }

  #dropOldest(): void {
    const oldest = this.#waiting.values().next();
    if (oldest.done === true) return;
    this.#waiting.delete(oldest.value);
    oldest.value.destroy();
    this.#options.onDropped();
  }
}
