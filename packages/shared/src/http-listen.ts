import type { Server } from "node:http";
import { AppError } from "./errors.ts";

export interface ListenOptions {
  host: string;
  port: number;
  /** The variable that an operator changes when the port is taken. */
  portVariable: string;
  /** Connections that the kernel may hold until they are accepted; it has a bound of its own (`net.core.somaxconn`). */
  backlog?: number;
}

/** That of Node. */
const DEFAULT_BACKLOG = 511;

/**
 * Starts a server and gives the port that it listens on.
 *
 * @throws AppError `port_in_use` naming the port and the variable to change.
 */
export async function listen(server: Server, options: ListenOptions): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      reject(
        error.code === "EADDRINUSE" || error.code === "EACCES"
          ? new AppError("port_in_use", {
              message: `Port ${options.port} on ${options.host} cannot be listened on (${error.code}). Set ${options.portVariable} to another port.`,
              cause: error,
            })
          : error,
      );
    });
    const { port, host, backlog = DEFAULT_BACKLOG } = options;
    server.listen({ port, host, backlog }, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("the server has no TCP address");
  return address.port;
}

const IDLE_SWEEP_MS = 50;

/**
 * Stops a server gracefully: no new connections, requests in hand are answered, idle keep-alive connections closed.
 *
 * Node alone would keep a connection that was busy at this moment: it becomes idle with its answer, and a client that
 * goes on asking, such as a page that shows live figures, would hold the server open for as long as it likes.
 */
export async function closeServer(server: Server): Promise<void> {
  server.prependListener("request", (_request, response) => {
    response.shouldKeepAlive = false;
  });
  const sweep = setInterval(() => server.closeIdleConnections(), IDLE_SWEEP_MS);
  try {
    await new Promise<void>((resolve) => {
      server.close(() => resolve());
      server.closeIdleConnections();
    });
  } finally {
    clearInterval(sweep);
  }
}
