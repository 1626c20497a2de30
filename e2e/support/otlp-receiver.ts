import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { z } from "zod";

export interface CollectedSpan {
  service: string;
  name: string;
  traceId: string;
  spanId: string;
  /** Null at the beginning of a trace. */
  parentSpanId: string | null;
  attributes: Readonly<Record<string, string | number | boolean | null>>;
  events: number;
}

/** A real collector, as far as OTLP over HTTP in JSON goes: it keeps what it is sent. */
export interface OtlpReceiver extends AsyncDisposable {
  readonly url: string;
  readonly spans: readonly CollectedSpan[];
  /** Headers and bodies of all requests, as they came. */
  readonly requests: readonly { authorization: string | undefined; body: string }[];
}

const attributesSchema = z.array(
  z.object({
    key: z.string(),
    value: z.object({
      stringValue: z.string().optional(),
      intValue: z.union([z.number(), z.string()]).optional(),
      boolValue: z.boolean().optional(),
    }),
  }),
);

const requestSchema = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes: attributesSchema }),
      scopeSpans: z.array(
        z.object({
          spans: z.array(
            z.object({
              traceId: z.string(),
              spanId: z.string(),
              parentSpanId: z.string().optional(),
              name: z.string(),
              attributes: attributesSchema.optional(),
              events: z.array(z.unknown()).optional(),
            }),
          ),
        }),
      ),
    }),
  ),
});

export async function startOtlpReceiver(): Promise<OtlpReceiver> {
  const spans: CollectedSpan[] = [];
  const requests: { authorization: string | undefined; body: string }[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Buffer.concat(chunks).toString("utf8");
      requests.push({ authorization: request.headers.authorization, body });
      if (request.url === "/v1/traces") spans.push(...spansOf(body));
      response.writeHead(200, { "content-type": "application/json" }).end("{}");
    });
  });
  await new Promise<void>((resolve) => {
    server.listen(0, "127.0.0.1", resolve);
  });
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    requests,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => {
        server.close(resolve);
      });
    },
  };
}

function spansOf(body: string): CollectedSpan[] {
  const { resourceSpans } = requestSchema.parse(JSON.parse(body));
  return resourceSpans.flatMap(({ resource, scopeSpans }) => {
    const service = String(plain(resource.attributes)["service.name"]);
    return scopeSpans.flatMap((scope) =>
      scope.spans.map(({ name, traceId, spanId, parentSpanId, attributes, events }) => ({
        service,
        name,
        traceId,
        spanId,
        parentSpanId: parentSpanId === undefined || parentSpanId === "" ? null : parentSpanId,
        attributes: plain(attributes ?? []),
        events: events?.length ?? 0,
      })),
    );
  });
}

function plain(attributes: z.infer<typeof attributesSchema>): CollectedSpan["attributes"] {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ??
        value.boolValue ??
        (value.intValue === undefined ? null : Number(value.intValue)),
    ]),
  );
}
