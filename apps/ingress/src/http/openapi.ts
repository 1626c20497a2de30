import { z } from "zod";
import { RECORDING_EVENT_FIELDS } from "@reelgate/shared/contract/recording-event";
import type { FieldDefinition } from "@reelgate/shared/contract/recording-event";
import { errorResponses, openApiDocument } from "@reelgate/shared/openapi";
import type {
  JsonSchema,
  OpenApiDocument,
  OpenApiOperation,
  OpenApiResponse,
} from "@reelgate/shared/openapi";
import { REFUSALS, answerTo } from "../ingest/outcome.ts";
import type { Refusal } from "../ingest/outcome.ts";

export interface DescribeOptions {
  version: string;
  /** The last part of the path is a secret; it is shown as a parameter. */
  hasPathToken: boolean;
  /** False: callbacks need no `t` and no `sign`. */
  isSigned: boolean;
  maxBodyBytes: number;
}

/** The public port of the ingress in OpenAPI 3.1. It repeats no secret. */
export function describeIngress(options: DescribeOptions): OpenApiDocument {
  return openApiDocument({
    title: "Reelgate ingress",
    version: options.version,
    description:
      "Takes the recording callbacks of the provider. Only 200 means that a callback is on disk; for every other status, and for none, the provider repeats it.",
    operations: [callbackOperation(options), aliveOperation, readyOperation],
    schemas: { Callback: callbackSchema(options) },
    isPrivate: false,
  });
}

function callbackOperation({ hasPathToken, maxBodyBytes }: DescribeOptions): OpenApiOperation {
  // Another method is another operation, of which there is none.
  const refusals = REFUSALS.filter(
    (refusal) => refusal !== "method_not_allowed" && (hasPathToken || refusal !== "not_found"),
  );
  return {
    method: "post",
    path: hasPathToken ? "/callbacks/css/{token}" : "/callbacks/css",
    operationId: "receiveCallback",
    summary: "Take one callback",
    description:
      "Any query and any content type. The ingress looks at `t` and `sign` alone; whether the rest is a sound recording is judged after the answer, and ends as an outcome in the catalogue.",
    parameters: hasPathToken
      ? [
          {
            name: "token",
            in: "path",
            required: true,
            description: "CALLBACK_PATH_TOKEN",
            schema: { type: "string" },
          },
        ]
      : [],
    requestBody: {
      required: true,
      description: `One JSON object in UTF-8, at most ${maxBodyBytes} bytes, not compressed.`,
      content: {
        "application/json": {
          schema: { $ref: "#/components/schemas/Callback" },
          example: EXAMPLE,
        },
      },
    },
    responses: {
      [answerTo("accepted").status]: {
        description: "The callback is on disk. Also for one that was delivered before.",
        content: {
          "application/json": {
            schema: {
              type: "object",
              properties: { code: { type: "integer", const: 0 } },
              required: ["code"],
              additionalProperties: false,
            },
            example: JSON.parse(answerTo("accepted").body),
          },
        },
      },
      ...refusalResponses(refusals),
    },
  };
}

/** The registry names the statuses, the table of answers decides over them; a test holds both to the answers sent. */
function refusalResponses(refusals: readonly Refusal[]): Record<string, OpenApiResponse> {
  return errorResponses(refusals, { hasMessage: false });
}

const health = (
  path: string,
  operationId: string,
  summary: string,
  answers: Readonly<Record<string, { description: string; schema: JsonSchema }>>,
): OpenApiOperation => ({
  method: "get",
  path,
  operationId,
  summary,
  parameters: [],
  responses: Object.fromEntries(
    Object.entries(answers).map(([status, { description, schema }]) => [
      status,
      { description, content: { "application/json": { schema } } },
    ]),
  ),
});

const flag = (name: string, value: boolean): JsonSchema => ({
  type: "object",
  properties: { [name]: { type: "boolean", const: value } },
  required: [name],
  additionalProperties: false,
});

const aliveOperation = health("/healthz", "isAlive", "Whether the process lives", {
  200: { description: "It does", schema: flag("alive", true) },
});
const readyOperation = health("/readyz", "isReady", "Whether a callback can be taken now", {
  200: { description: "It can", schema: flag("ready", true) },
  503: {
    description: "It cannot; why is told on the private port",
    schema: flag("ready", false),
  },
});

const EXAMPLE = {
  event_type: 100,
  t: 1_769_862_610,
  sign: "0123456789abcdef0123456789abcdef",
  appid: 1_250_000_000,
  app: "live.example.com",
  appname: "live",
  stream_id: "room-1",
  channel_id: "room-1",
  file_id: "9007199254740993001",
  record_file_id: "9007199254740993001",
  file_format: "mp4",
  start_time: 1_769_860_800,
  start_time_usec: 123_456,
  end_time: 1_769_862_600,
  end_time_usec: 654_321,
  duration: 1800,
  file_size: 277_941_079,
  stream_param: "txSecret=0123456789abcdef0123456789abcdef&txTime=697DF492",
  video_url: "http://1250000000.vod2.myqcloud.com/0123456789abcdef/f0.mp4",
};

function callbackSchema({ isSigned }: DescribeOptions): JsonSchema {
  const recording = Object.entries(RECORDING_EVENT_FIELDS)
    .filter(([, { presence }]) => presence === "required")
    .map(([name]) => `\`${name}\``);
  return {
    type: "object",
    description: `A callback of the provider. One about a recording (event type 100) is recorded when it has sound values for ${recording.join(", ")}. null and "" mean that a field is absent; fields that are not listed are kept.`,
    properties: Object.fromEntries(
      Object.entries(RECORDING_EVENT_FIELDS).map(([name, field]) => [name, fieldSchema(field)]),
    ),
    required: isSigned ? ["t", "sign"] : [],
  };
}

/** As the provider may write it: numbers as strings of digits, ids as numbers. */
function fieldSchema({ schema, description }: FieldDefinition): JsonSchema {
  const { $schema: _dialect, ...written } = z.toJSONSchema(schema, { unrepresentable: "any" });
  const others: JsonSchema[] =
    schema instanceof z.ZodPipe
      ? written.type === "string"
        ? [{ type: ["integer", "object"] }]
        : [{ type: "string", pattern: "^-?[0-9]{1,20}$" }]
      : [];
  return { description, anyOf: [written, ...others, { enum: [null, ""] }] };
}
