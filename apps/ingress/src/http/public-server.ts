import { createServer } from "node:http";
import type { RequestListener } from "node:http";
import type { Socket } from "node:net";
import { closeServer, listen } from "@reelgate/shared/http-listen";
import { withinMs } from "@reelgate/shared/lifecycle";
import type { Connections } from "./connections.ts";

/** In milliseconds. */
export interface ServerTimeouts {
  headersTimeout: number;
  requestTimeout: number;
  connectionsCheckingInterval: number;
  keepAliveTimeout: number;
  /** Without a byte in either direction during a request: a client that does not read its answers. */
  silenceMs: number;
}

/**
 * Bounds against clients that are slow on purpose. The provider itself gives an exchange 20 s; its callbacks are two
 * kilobytes, so that a request that takes ten seconds to arrive is none of its.
 */
const TIMEOUTS: ServerTimeouts = {
  headersTimeout: 8000,
  requestTimeout: 10_000,
  connectionsCheckingInterval: 1000,
  // Longer than the 60 s after which common load balancers drop an idle connection: the side that keeps it shorter must
  // be the one that sends the requests, or some of them meet a closing socket.
  keepAliveTimeout: 65_000,
  silenceMs: 30_000,
};

const MAX_HEADER_BYTES = 8192;
/** The provider sends a handful, a proxy in front a dozen. */
const MAX_HEADERS = 100;
/**
 * Bounds what one read of a socket can ask for at once, since requests that follow each other without waiting for answers
 * are all begun.
 *
 * Node's own bound (`maxRequestsPerSocket`) says `Connection: close` with the last answer and leaves the connection open,
 * where whatever a client still sends is answered 503: a client that pays no heed would never get another callback in.
 * So the connection is closed here, as RFC 9112 section 9.6 asks of whoever says so.
 */
const MAX_REQUESTS_PER_CONNECTION = 1000;
/** A SYN that finds no room is sent again a second later: a burst of connections must not cost a callback that. */
const BACKLOG = 4096;
/** After this long of stopping, whoever still sends its request is cut off. Answers take 2.5 s at most. */
const DRAIN_MS = 5000;

export interface PublicServerOptions {
  host: string;
  port: number;
  listener: RequestListener;
  connections: Connections;
  /** The whole stop must fit into it, in milliseconds. */
  shutdownGraceMs: number;
  /** For tests. */
  timeouts?: Partial<ServerTimeouts>;
}

export interface PublicServer extends AsyncDisposable {
  port: number;
}

/** The public listener. Disposing it refuses new connections and answers what has arrived. */
export async function startPublicServer(options: PublicServerOptions): Promise<PublicServer> {
  const timeouts = { ...TIMEOUTS, ...options.timeouts };
  const requestsOn = new WeakMap<Socket, number>();
  const server = createServer(
    { ...timeouts, maxHeaderSize: MAX_HEADER_BYTES },
    (request, response) => {
      const requests = (requestsOn.get(request.socket) ?? 0) + 1;
      requestsOn.set(request.socket, requests);
      if (requests >= MAX_REQUESTS_PER_CONNECTION) response.setHeader("connection", "close");
      if (request.rawHeaders.length <= 2 * MAX_HEADERS) {
        options.listener(request, response);
        return;
      }
      // Node leaves out what is beyond its bound; a proxy's X-Forwarded-For, which comes last, must not be among that.
      response.writeHead(431, { connection: "close" }).end();
    },
  );
  server.timeout = timeouts.silenceMs;
  server.maxHeadersCount = MAX_HEADERS + 1;
  server.maxRequestsPerSocket = MAX_REQUESTS_PER_CONNECTION;
  options.connections.watch(server);
  const port = await listen(server, {
    host: options.host,
    port: options.port,
    portVariable: "PORT",
    backlog: BACKLOG,
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
