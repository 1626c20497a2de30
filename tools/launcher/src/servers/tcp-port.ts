import { randomInt } from "node:crypto";
import { createServer } from "node:net";
import type { AddressInfo } from "node:net";

/** Why a port cannot be listened on, as the operating system names it, or null when it can. */
export async function portProblem(host: string, port: number): Promise<string | null> {
  const result = await tryToListen(host, port);
  return typeof result === "string" ? result : null;
}

/**
 * A TCP port of 127.0.0.1 that was free a moment ago. Another process can take it before it is used: whoever listens
 * on it must be ready to be refused and to ask again.
 */
export async function freePort(): Promise<number> {
  const result = await tryToListen("127.0.0.1", 0);
  if (typeof result === "string")
    throw new Error(`No port of 127.0.0.1 can be listened on: ${result}`);
  return result;
}

/** Below the ports that Linux (32768) and others (49152) give to outgoing connections. */
const LASTING_PORTS = { first: 20_000, last: 32_767 } as const;

/**
 * A free port of 127.0.0.1 that no outgoing connection is given: a server that is started again finds it free. A port of
 * {@link freePort} can be taken by any connection of the machine while the server is away.
 */
export async function lastingPort(): Promise<number> {
  for (;;) {
    const port = randomInt(LASTING_PORTS.first, LASTING_PORTS.last + 1);
    if ((await portProblem("127.0.0.1", port)) === null) return port;
  }
}

function tryToListen(host: string, port: number): Promise<number | string> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    server.listen({ host, port, exclusive: true }, () => {
      const { port: bound } = server.address() as AddressInfo;
      server.close(() => resolve(bound));
    });
  });
}
