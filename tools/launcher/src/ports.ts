import { AppError } from "@reelgate/shared/errors";
import { freePort, portProblem } from "./servers/tcp-port.ts";

/**
 * Checks, before anything starts, that an app will be able to listen.
 *
 * @param variable the one to change, for the message
 * @throws AppError `port_in_use` when it will not.
 */
export async function requirePort(variable: string, host: string, port: number): Promise<void> {
  const problem = await portProblem(host, port);
  if (problem === null) return;
  if (problem === "EADDRINUSE") {
    throw new AppError("port_in_use", {
      message: `Port ${port} of ${host} is taken. Stop what listens there, or choose another: ${variable}=${port + 1} npm start`,
    });
  }
  const reason = problem === "EACCES" ? "needs root" : `cannot be listened on (${problem})`;
  throw new AppError("port_in_use", {
    message: `Port ${port} of ${host} ${reason}. Choose another: ${variable}=${port < 1024 ? 8080 : port} npm start`,
  });
}

/** The preferred port of 127.0.0.1 when it is free, else any free one that is not in `taken`. */
export async function preferPort(port: number, taken: ReadonlySet<number>): Promise<number> {
  if (!taken.has(port) && (await portProblem("127.0.0.1", port)) === null) return port;
  for (;;) {
    const other = await freePort();
    if (!taken.has(other)) return other;
  }
}
