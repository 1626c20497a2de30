import { createServer } from "node:http";
import type { Registry } from "prom-client";
import { watchEventLoop } from "./event-loop-lag.ts";
import { closeServer, listen } from "./http-listen.ts";

/** What `/readyz` says: ready, or the reasons why not. Reasons carry no secret. */
export type Readiness = { ready: true; notes?: string[] } | { ready: false; reasons: string[] };

export interface OpsServerOptions {
  host: string;
  port: number;
  registry: Registry;
  readiness: () => Promise<Readiness>;
  /** Further documents that are answered as JSON, by their paths. */
  documents?: Readonly<Record<string, unknown>>;
}

export interface OpsServer extends AsyncDisposable {
  port: number;
}

/** The private port of an app: `/healthz` (alive), `/readyz` (can work now) and `/metrics` (Prometheus). */
export async function startOpsServer(options: OpsServerOptions): Promise<OpsServer> {
  const lag = watchEventLoop();
  const documents = new Map(Object.entries(options.documents ?? {}));
  const server = createServer((request, response) => {
    const json = (status: number, body: unknown): void => {
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body));
    };
    const path = (request.url ?? "/").split("?", 1)[0] ?? "/";
    if (request.method !== "GET" && request.method !== "HEAD") {
      json(405, { code: 405, error: "method_not_allowed" });
    } else if (path === "/healthz") {
      json(200, { alive: true });
    } else if (path === "/readyz") {
      options.readiness().then(
        (readiness) => json(readiness.ready ? 200 : 503, withNote(readiness, lag.note())),
        () => json(503, { ready: false, reasons: ["the readiness check failed"] }),
      );
    } else if (path === "/metrics") {
      options.registry.metrics().then(
        (text) =>
          response.writeHead(200, { "content-type": options.registry.contentType }).end(text),
        () => json(500, { code: 500, error: "internal" }),
      );
    } else if (documents.has(path)) {
      json(200, documents.get(path));
    } else {
      json(404, { code: 404, error: "not_found" });
    }
  });
  // Private, but still a listener: bounded like the others.
  server.headersTimeout = 5000;
  server.requestTimeout = 5000;
  let port: number;
  try {
    port = await listen(server, {
      host: options.host,
      port: options.port,
      portVariable: "OPS_PORT",
    });
  } catch (error) {
    lag[Symbol.dispose]();
    throw error;
  }
  return {
    port,
    [Symbol.asyncDispose]: async () => {
      lag[Symbol.dispose]();
      await closeServer(server);
    },
  };
}

/** Whoever comes late is still ready: to take it out of service would leave its work to others that are as busy. */
function withNote(readiness: Readiness, note: string | null): Readiness {
  if (note === null || !readiness.ready) return readiness;
  return { ready: true, notes: [...(readiness.notes ?? []), note] };
}
