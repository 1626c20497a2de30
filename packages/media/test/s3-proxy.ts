import {
  createServer,
  type IncomingMessage,
  request as forward,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";

/** What a request meets instead of the server behind the proxy. */
export type S3Fault =
  | { kind: "error"; status: number; code: string }
  /** Takes the request and never answers. */
  | { kind: "hang" }
  | { kind: "reset" };

export interface S3Request {
  method: string;
  /** With the query. */
  path: string;
  headers: Readonly<Record<string, string | string[] | undefined>>;
}

/** In front of a S3 server that does everything right: remembers requests, and answers some of them wrongly. */
export interface S3Proxy extends AsyncDisposable {
  readonly url: string;
  readonly requests: S3Request[];
  /** Called for each request; null: forward it. */
  fault: (request: S3Request) => S3Fault | null | Promise<S3Fault | null>;
}

export async function startS3Proxy(upstreamPort: number): Promise<S3Proxy> {
  const requests: S3Request[] = [];
  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = "", url = "", headers } = incoming;
    const seen: S3Request = { method, path: url, headers };
    requests.push(seen);
    const fault = await proxy.fault(seen);
    switch (fault?.kind) {
      case "hang":
        incoming.resume();
        return;
      case "reset":
        incoming.socket.resetAndDestroy();
        return;
      case "error":
        incoming.resume();
        response.writeHead(fault.status, { "content-type": "application/xml" });
        response.end(method === "HEAD" ? "" : `<Error><Code>${fault.code}</Code></Error>`);
        return;
      default:
        break;
    }
    const upstream = forward(
      { host: "127.0.0.1", port: upstreamPort, method, path: url, headers },
      (answer) => {
        response.writeHead(answer.statusCode ?? 500, answer.headers);
        answer.pipe(response);
      },
    );
    upstream.on("error", () => response.destroy());
    incoming.pipe(upstream);
  }

  const server = createServer((incoming, response) => {
    answer(incoming, response).catch((error: unknown) => response.destroy(error as Error));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const proxy: S3Proxy = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    fault: () => null,
    async [Symbol.asyncDispose](): Promise<void> {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  };
  return proxy;
}
