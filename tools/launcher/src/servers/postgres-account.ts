import { execFileSync, spawnSync } from "node:child_process";
import { chownSync, statSync } from "node:fs";
import { dirname } from "node:path";
import { AppError } from "@reelgate/shared/errors";
import { findProgram } from "./find-program.ts";

/** How Postgres is run, so that it is not root. */
export interface PostgresAccount {
  /** Gives a file or folder to the account. */
  own(path: string): void;
  /** What to spawn so that `command` runs as the account. */
  wrap(
    command: string,
    args: readonly string[],
  ): { command: string; args: string[]; uid?: number; gid?: number };
}

interface Ids {
  uid: number;
  gid: number;
}

/**
 * Decides as whom Postgres runs. An ordinary user runs it as itself. Postgres refuses root, so root runs it as the
 * user that owns the data already, else as `postgres`, else as `nobody`.
 *
 * The checkout or DATA_DIR may lie under a folder that only root can enter (`mktemp -d` makes such ones), where the
 * other user could run nothing. There setpriv leaves it the one capability that opens folders. It is kept for that
 * case alone, since it opens files as well.
 *
 * @param dataDir exists already
 * @param program a file that the account must be able to run
 * @throws AppError `setup_failed` when neither way works.
 */
export function postgresAccount(
  dataDir: string,
  program: string,
  searchPath: string,
): PostgresAccount {
  if (process.getuid?.() !== 0) {
    return { own: () => {}, wrap: (command, args) => ({ command, args: [...args] }) };
  }
  const ids = ownerOf(dataDir) ?? idsOf("postgres") ?? idsOf("nobody");
  if (ids === null) {
    throw new AppError("setup_failed", {
      message:
        "Postgres cannot run as root, and this machine has neither a user postgres nor a user nobody. Run `npm start` as another user, or set DATABASE_URL.",
    });
  }
  const own = (path: string): void => chownSync(path, ids.uid, ids.gid);
  own(dataDir);
  const plain: PostgresAccount = {
    own,
    wrap: (command, args) => ({ command, args: [...args], ...ids }),
  };
  if (canReach(plain, dataDir, program)) return plain;
  const setpriv = findProgram(["setpriv"], searchPath);
  if (setpriv !== null) {
    const capable: PostgresAccount = {
      own,
      wrap: (command, args) => ({
        command: setpriv,
        args: [...setprivArgs(ids), "--", command, ...args],
      }),
    };
    if (canReach(capable, dataDir, program)) return capable;
  }
  throw new AppError("setup_failed", {
    message: `Postgres cannot run as root, and user ${ids.uid} cannot enter ${dirname(dataDir)} or ${dirname(program)}. Open these folders with \`chmod o+x\`, move the checkout or DATA_DIR, or set DATABASE_URL.`,
  });
}

/**
 * `no_setuid_fixup`: initdb asks access(2) whether it may run `postgres`, and for a real user other than root the
 * kernel answers that without the capabilities that it has, unless this bit is set (access_override_creds in
 * fs/open.c of Linux).
 */
function setprivArgs(ids: Ids): string[] {
  const capability = "+dac_override";
  return [
    `--reuid=${ids.uid}`,
    `--regid=${ids.gid}`,
    "--clear-groups",
    `--inh-caps=${capability}`,
    `--ambient-caps=${capability}`,
    "--securebits=+no_setuid_fixup",
  ];
}

const PROBE = `
  const { accessSync, constants } = require("node:fs");
  accessSync(process.argv[1], constants.X_OK);
  accessSync(process.argv[2], constants.W_OK | constants.X_OK);
`;

/**
 * Asks the kernel itself rather than reading modes, since access lists and mounts decide as well; and by Node rather
 * than by test(1), which asks for the effective user and so gets another answer than initdb does.
 */
function canReach(account: PostgresAccount, dataDir: string, program: string): boolean {
  const { command, args, ...ids } = account.wrap(process.execPath, ["-e", PROBE, program, dataDir]);
  return spawnSync(command, args, { cwd: "/", env: {}, stdio: "ignore", ...ids }).status === 0;
}

/** The user to whom existing data belongs; null for root, who can own no Postgres data, so the folder is new. */
function ownerOf(dataDir: string): Ids | null {
  const { uid, gid } = statSync(dataDir);
  return uid === 0 ? null : { uid, gid };
}

function idsOf(user: string): Ids | null {
  try {
    const id = (flag: string): number =>
      Number(
        execFileSync("id", [flag, user], {
          encoding: "utf8",
          stdio: ["ignore", "pipe", "ignore"],
        }).trim(),
      );
    return { uid: id("-u"), gid: id("-g") };
  } catch {
    return null;
  }
}
