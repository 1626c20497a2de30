import type { Server } from "node:http";
import { AppError } from "./errors.ts";

export interface ListenOptions {
  host: string;
  port: number;
  /** The variable that an operator changes when the port is taken. */
  portVariable: string;
}

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
    server.listen(options.port, options.host, resolve);
  });
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new Error("the server has no TCP address");
  return address.port;
}

/**
 * Stops a server gracefully: no new connections, requests in hand are answered, idle keep-alive connections closed.
 */
export async function closeServer(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeIdleConnections();
  });
}
