import { z } from "zod";
import { ERRORS } from "./errors.ts";
import type { ErrorCode, ErrorDefinition } from "./errors.ts";

/** JSON Schema 2020-12, the dialect of OpenAPI 3.1. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export interface OpenApiContent {
  schema?: JsonSchema;
  example?: unknown;
  examples?: Readonly<Record<string, { value: unknown }>>;
}

export interface OpenApiResponse {
  description: string;
  headers?: Readonly<Record<string, { schema: JsonSchema }>>;
  /** By media type. */
  content?: Readonly<Record<string, OpenApiContent>>;
}

export interface OpenApiParameter {
  name: string;
  in: "path" | "query";
  required: boolean;
  description?: string;
  schema: JsonSchema;
}

export interface OpenApiOperation {
  method: "get" | "post";
  /** With parameters in braces: `/recordings/{id}`. */
  path: string;
  operationId: string;
  summary: string;
  description?: string;
  parameters: readonly OpenApiParameter[];
  requestBody?: {
    required: boolean;
    description: string;
    content: Readonly<Record<string, OpenApiContent>>;
  };
  /** By status. */
  responses: Readonly<Record<string, OpenApiResponse>>;
}

export interface OpenApiOptions {
  title: string;
  version: string;
  description: string;
  operations: readonly OpenApiOperation[];
  /** What several operations refer to as `#/components/schemas/<name>`. */
  schemas: Readonly<Record<string, JsonSchema>>;
  /** Whether every operation needs user and password. */
  isPrivate: boolean;
}

/** An OpenAPI 3.1 document, ready to be written as JSON. */
export type OpenApiDocument = Readonly<Record<string, unknown>> & { openapi: string };

/** The description of an API as one document. Nothing of it depends on where the API is served. */
export function openApiDocument(options: OpenApiOptions): OpenApiDocument {
  const { title, version, description, operations, schemas, isPrivate } = options;
  const paths: Record<string, Record<string, unknown>> = {};
  for (const { method, path, ...operation } of operations) {
    paths[path] = { ...paths[path], [method]: operation };
  }
  return {
    openapi: "3.1.1",
    info: { title, version, description, license: { name: "MIT", identifier: "MIT" } },
    ...(isPrivate ? { security: [{ password: [] }] } : {}),
    paths,
    components: {
      schemas,
      ...(isPrivate ? { securitySchemes: { password: { type: "http", scheme: "basic" } } } : {}),
    },
  };
}

/**
 * JSON Schema of named zod schemas, as they come out of parsing. Where one holds another of them, it refers to it as a
 * component. Objects are open: a later version may answer more members.
 */
export function componentSchemas(
  named: Readonly<Record<string, z.ZodType>>,
): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, schema] of Object.entries(named)) registry.add(schema, { id });
  const { schemas } = z.toJSONSchema(registry, {
    uri: (id) => `#/components/schemas/${id}`,
    override: ({ jsonSchema }) => {
      delete jsonSchema.additionalProperties;
    },
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _dialect, $id: _uri, ...schema }]) => [
      id,
      schema,
    ]),
  );
}

/** The parameters that the query of an operation has. What turns text into a value is told by the schema's metadata. */
export function queryParameters(query: z.ZodObject): OpenApiParameter[] {
  const { properties = {} } = z.toJSONSchema(query, { io: "input", unrepresentable: "any" });
  return Object.entries(properties).map(([name, property]) => {
    const { description, ...schema } = property as JsonSchema & { description?: string };
    return {
      name,
      in: "query",
      required: false,
      ...(description === undefined ? {} : { description }),
      schema: withoutNull(schema),
    };
  });
}

/** A query has no null: a parameter that is not given is left out. */
function withoutNull(schema: JsonSchema): JsonSchema {
  const { anyOf, default: otherwise, ...rest } = schema;
  const [one] = Array.isArray(anyOf)
    ? (anyOf as JsonSchema[]).filter(({ type }) => type !== "null")
    : [];
  return {
    ...rest,
    ...one,
    ...(otherwise === undefined || otherwise === null
      ? {}
      : { default: schema["type"] === "integer" ? Number(otherwise) : otherwise }),
  };
}

/**
 * The answers for errors, one for each status with every code that has it.
 *
 * @param members What an answer carries beside `code` (the status) and `error`.
 */
export function errorResponses(
  codes: readonly ErrorCode[],
  members: { hasMessage: boolean },
): Record<string, OpenApiResponse> {
  const byStatus = Map.groupBy(new Set(codes), (code) => statusOf(code));
  return Object.fromEntries(
    [...byStatus].map(([status, sameStatus]) => [
      String(status),
      {
        description: sameStatus.map((code) => `\`${code}\`: ${ERRORS[code].message}`).join("\n\n"),
        ...(status === 503 || status === 429
          ? { headers: { "Retry-After": { schema: { type: "integer", minimum: 0 } } } }
          : {}),
        content: {
          "application/json": {
            schema: {
              type: "object",
              properties: {
                code: { type: "integer", const: status },
                error: { type: "string", enum: sameStatus },
                ...(members.hasMessage ? { message: { type: "string" } } : {}),
              },
              required: ["code", "error", ...(members.hasMessage ? ["message"] : [])],
              additionalProperties: false,
            },
            examples: Object.fromEntries(
              sameStatus.map((code) => [
                code,
                {
                  value: {
                    code: status,
                    error: code,
                    ...(members.hasMessage ? { message: ERRORS[code].message } : {}),
                  },
                },
              ]),
            ),
          },
        },
      },
    ]),
  );
}

function statusOf(code: ErrorCode): number {
  const definition: ErrorDefinition = ERRORS[code];
  return definition.status ?? 500;
}
