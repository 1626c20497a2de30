import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import { closeServer, listen } from "@reelgate/shared/http-listen";
import { withinMs } from "@reelgate/shared/lifecycle";

/**
 * Bounds against clients that are slow on purpose. The provider itself gives an exchange 20 s; its callbacks are two
 * kilobytes, so that a request that takes ten seconds to arrive is none of its.
 */
const LIMITS = {
  headersTimeout: 8000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1000,
  maxHeaderSize: 16_384,
  // Longer than the 60 s after which common load balancers drop an idle connection: the side that keeps it shorter must
  // be the one that sends the requests, or some of them meet a closing socket.
  keepAliveTimeout: 65_000,
} as const;

/** After this long of stopping, whoever still sends its request is cut off. Answers take 2.5 s at most. */
const DRAIN_MS = 5000;

export interface PublicServerOptions {
  host: string;
  port: number;
  listener: RequestListener;
  /** The whole stop must fit into it, in milliseconds. */
  shutdownGraceMs: number;
}

export interface PublicServer extends AsyncDisposable {
  port: number;
}

/** The public listener. Disposing it refuses new connections and answers what has arrived. */
export async function startPublicServer(options: PublicServerOptions): Promise<PublicServer> {
  const server = createServer(LIMITS, options.listener);
  const port = await listen(server, {
    host: options.host,
    port: options.port,
    portVariable: "PORT",
  });
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      const closed = closeServer(server);
      const drainMs = Math.max(0, Math.min(DRAIN_MS, options.shutdownGraceMs - 1000));
      if (!(await withinMs(closed, drainMs))) server.closeAllConnections();
      await closed;
    },
  };
}
