import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { lastingPort } from "@reelgate/launcher/servers/tcp-port";
import { ask } from "./redis-node.ts";
import { GROUP, startSentinel } from "./redis-sentinel.ts";
import { startTestRedis, testPassword } from "./redis-server.ts";
import type { TestRedis } from "./redis-server.ts";

const run = promisify(execFile);

/** A Redis that also speaks TLS, with a certificate of its own for the address 127.0.0.1 alone. */
export interface TlsRedis extends AsyncDisposable {
  /** Without TLS, for the test itself. */
  readonly redis: TestRedis;
  readonly tlsPort: number;
  /** What a client must trust (PEM). */
  readonly ca: string;
  /** What gives another server the same certificate, by the names of redis.conf. */
  readonly settings: Readonly<Record<string, string>>;
}

export async function startTlsRedis(
  more: Readonly<Record<string, string>> = {},
): Promise<TlsRedis> {
  const folder = await mkdtemp(join(tmpdir(), "reelgate-test-tls-"));
  const certificate = join(folder, "server.pem");
  const key = join(folder, "server.key");
  await run("openssl", [
    ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(" "),
    ...`-subj /CN=test -addext subjectAltName=IP:127.0.0.1 -keyout ${key} -out ${certificate}`.split(
      " ",
    ),
  ]);
  const settings = {
    "tls-cert-file": certificate,
    "tls-key-file": key,
    "tls-ca-cert-file": certificate,
    "tls-auth-clients": "no",
    "tls-replication": "yes",
  };
  const tlsPort = await lastingPort();
  const redis = await startTestRedis({
    settings: { ...settings, ...more, "tls-port": String(tlsPort) },
  });
  return {
    redis,
    tlsPort,
    ca: await readFile(certificate, "utf8"),
    settings,
    async [Symbol.asyncDispose]() {
      await redis.stop();
      await rm(folder, { recursive: true });
    },
  };
}

/** The same as a cluster of one node, which names its TLS port to who comes over TLS. */
export async function startTlsCluster(): Promise<TlsRedis> {
  const server = await startTlsRedis({
    "cluster-enabled": "yes",
    "cluster-port": String(await lastingPort()),
    "tls-cluster": "yes",
    // A node that has never met another does not know its own address.
    "cluster-announce-ip": "127.0.0.1",
  });
  await ask(server.redis.url, "CLUSTER", "ADDSLOTSRANGE", "0", "16383");
  return server;
}

/** A Sentinel that speaks TLS, to clients and to this master. Its URL has no user for the master. */
export async function startTlsSentinel(
  master: TlsRedis,
): Promise<AsyncDisposable & { readonly url: string }> {
  const tlsPort = await lastingPort();
  const password = new URL(master.redis.url).password;
  const sentinelPassword = testPassword();
  const sentinel = await startSentinel({
    quorum: 1,
    masterPort: master.tlsPort,
    password,
    sentinelPassword,
    downAfterMs: 1000,
    more: { ...master.settings, "tls-port": String(tlsPort) },
  });
  return {
    url: `rediss+sentinel://:${password}@127.0.0.1:${tlsPort}/${GROUP}/0?sentinel_password=${sentinelPassword}`,
    [Symbol.asyncDispose]: () => sentinel.stop(),
  };
}
