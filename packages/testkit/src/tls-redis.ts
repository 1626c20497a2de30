import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { lastingPort } from "@reelgate/launcher/servers/tcp-port";
import { startTestRedis } from "./redis-server.ts";
import type { TestRedis } from "./redis-server.ts";

const run = promisify(execFile);

/** A Redis that also speaks TLS, with a certificate of its own for the address 127.0.0.1 alone. */
export interface TlsRedis extends AsyncDisposable {
  /** Without TLS, for the test itself. */
  readonly redis: TestRedis;
  readonly tlsPort: number;
  /** What a client must trust (PEM). */
  readonly ca: string;
}

export async function startTlsRedis(): Promise<TlsRedis> {
  const folder = await mkdtemp(join(tmpdir(), "reelgate-test-tls-"));
  const certificate = join(folder, "server.pem");
  const key = join(folder, "server.key");
  await run("openssl", [
    ..."req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2".split(" "),
    ...`-subj /CN=test -addext subjectAltName=IP:127.0.0.1 -keyout ${key} -out ${certificate}`.split(
      " ",
    ),
  ]);
  const tlsPort = await lastingPort();
  const redis = await startTestRedis({
    settings: {
      "tls-port": String(tlsPort),
      "tls-cert-file": certificate,
      "tls-key-file": key,
      "tls-auth-clients": "no",
    },
  });
  return {
    redis,
    tlsPort,
    ca: await readFile(certificate, "utf8"),
    async [Symbol.asyncDispose]() {
      await redis.stop();
      await rm(folder, { recursive: true });
    },
  };
}
