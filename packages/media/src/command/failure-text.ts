import { AppError } from "@reelgate/shared/errors";

/** The failure of a command in the form that `--json` prints. */
export interface CommandFailure {
  code: string;
  message: string;
  retryable: boolean;
}

/** Rethrows what is no expected failure: a defect is shown with its stack. */
export function toCommandFailure(error: unknown): CommandFailure {
  if (!(error instanceof AppError)) {
    throw error;
  }
  return { code: error.code, message: error.message, retryable: error.retryable };
}
