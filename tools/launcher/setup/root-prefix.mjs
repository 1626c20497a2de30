import { findProgram } from "./find-program.mjs";
import { runQuietly } from "./run-quietly.mjs";

/** What to put before a command that needs root; null when this user cannot become root without being asked. */
export async function rootPrefix() {
  if (process.getuid?.() === 0) return [];
  if (findProgram(["sudo"]) === null) return null;
  const { code } = await runQuietly("sudo", ["-n", "true"]);
  return code === 0 ? ["sudo", "-n"] : null;
}
