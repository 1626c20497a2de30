import { Validator } from "@seriousme/openapi-schema-validator";
import { Ajv2020 } from "ajv/dist/2020.js";
import type { ValidateFunction } from "ajv/dist/2020.js";
import addFormats from "ajv-formats";

interface Described {
  /** By path with parameters in braces, then by method. */
  paths: Record<string, Record<string, { responses: Record<string, DescribedAnswer> }>>;
}

interface DescribedAnswer {
  headers?: Record<string, unknown>;
  content?: Record<string, { schema?: object; example?: unknown; examples?: object }>;
}

/** Holds answers against an OpenAPI document, with a validator that knows nothing of the code that made it. */
export interface OpenApiChecker {
  /** `GET /api/recordings/{id}`, for every operation. */
  operations: string[];
  /** Statuses that are described, by operation. */
  statuses: ReadonlyMap<string, readonly number[]>;
  /** What of an answer is not as described; empty when all is. */
  problems(operation: string, answer: { status: number; headers: Headers; text: string }): string[];
  /** What of the examples in the document is not as described. */
  exampleProblems(): string[];
}

/**
 * Validates the document itself against the meta-schema of OpenAPI 3.1.
 *
 * @throws Error with what is wrong.
 */
export async function openApiChecker(document: Record<string, unknown>): Promise<OpenApiChecker> {
  const { valid, errors } = await new Validator().validate(structuredClone(document));
  if (!valid) throw new Error(`not OpenAPI 3.1: ${JSON.stringify(errors)}`);
  const ajv = new Ajv2020({ strict: false, allErrors: true });
  addFormats.default(ajv);
  ajv.addSchema({ ...document, $id: "http://document/" });
  const { paths } = document as unknown as Described;

  const answers = new Map<string, Record<string, DescribedAnswer>>();
  const validators = new Map<string, ValidateFunction>();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, { responses }] of Object.entries(methods)) {
      answers.set(`${method.toUpperCase()} ${path}`, responses);
    }
  }
  const validatorOf = (operation: string, status: string, type: string): ValidateFunction => {
    const [method = "", path = ""] = operation.split(" ");
    const pointer = ["paths", path, method.toLowerCase(), "responses", status, "content", type]
      .map((part) => encodeURIComponent(part.replaceAll("~", "~0").replaceAll("/", "~1")))
      .join("/");
    const ref = `http://document/#/${pointer}/schema`;
    const validate = validators.get(ref) ?? ajv.compile({ $ref: ref });
    validators.set(ref, validate);
    return validate;
  };
  const problemsOf = (validate: ValidateFunction, value: unknown): string[] =>
    validate(value) ? [] : [ajv.errorsText(validate.errors)];

  return {
    operations: [...answers.keys()],
    statuses: new Map(
      [...answers].map(([operation, byStatus]) => [operation, Object.keys(byStatus).map(Number)]),
    ),
    problems(operation, { status, headers, text }) {
      const described = answers.get(operation)?.[String(status)];
      if (described === undefined) return [`${operation} has no answer ${status}`];
      const missing = Object.keys(described.headers ?? {})
        .filter((name) => !headers.has(name))
        .map((name) => `the header ${name} is missing`);
      if (described.content === undefined) {
        return [...missing, ...(text === "" ? [] : ["there is a body"])];
      }
      const type = headers.get("content-type")?.split(";", 1)[0] ?? "none";
      const content = described.content[type];
      if (content === undefined) return [...missing, `${type} is not described`];
      return content.schema === undefined
        ? missing
        : [
            ...missing,
            ...problemsOf(validatorOf(operation, String(status), type), JSON.parse(text)),
          ];
    },
    exampleProblems: () =>
      [...answers].flatMap(([operation, byStatus]) =>
        Object.entries(byStatus).flatMap(([status, { content = {} }]) =>
          Object.entries(content).flatMap(([type, { schema, example, examples = {} }]) =>
            schema === undefined
              ? []
              : [
                  ...(example === undefined ? [] : [example]),
                  ...Object.values(examples as Record<string, { value: unknown }>).map(
                    ({ value }) => value,
                  ),
                ].flatMap((value) =>
                  problemsOf(validatorOf(operation, status, type), value).map(
                    (problem) => `${operation} ${status}: ${problem}`,
                  ),
                ),
          ),
        ),
      ),
  };
}
