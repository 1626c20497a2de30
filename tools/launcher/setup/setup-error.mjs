/** A failure whose message is the whole of what the user needs to read: what is wrong and what to do. */
export class SetupError extends Error {
  name = "SetupError";
}

/** Runs a command's body; a failure becomes one line on stderr and exit code 1. */
export async function runOrExplain(body) {
  try {
    await body();
  } catch (error) {
    const text = error instanceof SetupError ? error.message : (error?.stack ?? String(error));
    process.stderr.write(`reelgate: ${text}\n`);
    process.exitCode = 1;
  }
}
