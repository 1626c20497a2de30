import { AppError } from "@reelgate/shared/errors";
import type { CommandIo } from "../command-io.ts";

/**
 * Asks before something is changed that the caller may not have meant in this size.
 *
 * @throws AppError `usage` when it was not said with --yes and nobody can be asked.
 */
export async function confirmed(
  question: string,
  isSure: boolean,
  io: CommandIo,
  { hasDryRun = true }: { hasDryRun?: boolean } = {},
): Promise<boolean> {
  if (isSure) return true;
  if (io.confirm === null) {
    throw new AppError("usage", {
      message: `${question} Nobody can be asked here: say it with --yes${hasDryRun ? ", or look first with --dry-run" : ""}.`,
    });
  }
  if (await io.confirm(question)) return true;
  io.note("Nothing was changed.\n");
  return false;
}
