/** Why a request to the API gave nothing that can be shown. */
export type ApiErrorKind =
  /** No answer came. */
  | "unreachable"
  /** The API answered with an error of its own. */
  | "refused"
  /** The answer is not what this version of the pages understands. */
  | "misunderstood";

export class ApiError extends Error {
  override readonly name: string = "ApiError";
  readonly kind: ApiErrorKind;
  readonly status: number | null;
  /** The API's own code, such as `recording_not_found`. */
  readonly code: string | null;

  constructor(
    kind: ApiErrorKind,
    message: string,
    details: { status?: number; code?: string; cause?: unknown } = {},
  ) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.kind = kind;
    this.status = details.status ?? null;
    this.code = details.code ?? null;
  }
}

/** The sentence to show for whatever was thrown. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
