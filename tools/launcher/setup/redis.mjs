import { findProgram } from "./find-program.mjs";
import { step } from "./progress.mjs";
import { rootPrefix } from "./root-prefix.mjs";
import { lastReason, runQuietly } from "./run-quietly.mjs";
import { SetupError } from "./setup-error.mjs";

/** Valkey is the same server under the name that some distributions ship today. */
const SERVER_NAMES = ["redis-server", "valkey-server"];

/**
 * Debian and Ubuntu start and enable a service on installation, which would take port 6379 of the user's machine.
 * `policy-rc.d` is the distribution's own way to say no; it is put there for the installation alone, and only where
 * there is none. The service is kept from starting at the next boot as well.
 */
const APT_SCRIPT = `
set -e
export DEBIAN_FRONTEND=noninteractive
if [ ! -e /usr/sbin/policy-rc.d ]; then
  trap 'rm -f /usr/sbin/policy-rc.d' EXIT INT TERM
  printf '#!/bin/sh\\nexit 101\\n' > /usr/sbin/policy-rc.d
  chmod 755 /usr/sbin/policy-rc.d
fi
apt-get update -q
apt-get install -q -y --no-install-recommends redis-server
update-rc.d redis-server disable || true
if [ -d /run/systemd/system ]; then systemctl disable --now redis-server || true; fi
`;

const INSTALLERS = [
  { program: "apt-get", needsRoot: true, command: ["sh", "-c", APT_SCRIPT] },
  {
    program: "dnf",
    needsRoot: true,
    command: ["sh", "-c", "dnf install -y redis || dnf install -y valkey"],
  },
  {
    program: "apk",
    needsRoot: true,
    command: ["sh", "-c", "apk add --no-cache redis || apk add --no-cache valkey"],
  },
  { program: "brew", needsRoot: false, command: ["brew", "install", "redis"] },
];

const ADVICE =
  "Install redis-server (Debian, Ubuntu: `apt-get install redis-server`; Fedora: `dnf install redis`; macOS: `brew install redis`)";

/**
 * Makes sure that a redis-server can be started.
 *
 * @param {{ orSet: string }} options what else the user can do, for the message, for example " or set REDIS_URL"
 */
export async function ensureRedisServer({ orSet }) {
  if (findProgram(SERVER_NAMES) !== null) return;
  const installer = INSTALLERS.find(({ program }) => findProgram([program]) !== null);
  if (installer === undefined) {
    throw new SetupError(`redis-server is not installed. ${ADVICE}${orSet}.`);
  }
  const prefix = installer.needsRoot ? await rootPrefix() : [];
  if (prefix === null) {
    throw new SetupError(
      `redis-server is not installed, and installing it needs root or a sudo without password. ${ADVICE}${orSet}.`,
    );
  }
  const { code, output } = await step(`Installing redis-server with ${installer.program}`, () => {
    const [command, ...args] = [...prefix, ...installer.command];
    return runQuietly(command, args);
  });
  if (code !== 0 || findProgram(SERVER_NAMES) === null) {
    throw new SetupError(
      `redis-server could not be installed with ${installer.program} (${lastReason(output)}). ${ADVICE}${orSet}.`,
    );
  }
}
