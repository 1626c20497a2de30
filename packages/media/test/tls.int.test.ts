import { join } from "node:path";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { getCACertificates, setDefaultCACertificates, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, expect, test } from "vitest";
import { parseAllowedHosts } from "../src/guard/allowed-hosts.ts";
import { createMediaClient, type MediaClient } from "../src/http/media-client.ts";

/** Self-signed for secure.origin.example and 127.0.0.1, valid for a hundred years; the key protects nothing. */
const CERTIFICATE = readFileSync(join(import.meta.dirname, "fixtures/tls-cert.pem"), "utf8");
const KEY = readFileSync(join(import.meta.dirname, "fixtures/tls-key.pem"), "utf8");

const serverNames: (string | false | null)[] = [];
let server: Server;
let port: number;
let client: MediaClient;

beforeAll(async () => {
  setDefaultCACertificates([...getCACertificates("default"), CERTIFICATE]);
  server = createServer({ cert: CERTIFICATE, key: KEY }, (_request, response) => {
    response.end("over TLS");
  });
  server.on("secureConnection", (socket: TLSSocket & { servername?: string | false }) => {
    serverNames.push(socket.servername ?? null);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  ({ port } = server.address() as AddressInfo);
  client = createMediaClient({
    allowedHosts: parseAllowedHosts(`127.0.0.1:${port}, *.origin.example:${port}`),
    resolve: async () => [{ address: "127.0.0.1", family: 4 }],
  });
});

afterAll(async () => {
  await client.close();
  server.closeAllConnections();
  server.close();
  await once(server, "close");
});

async function readText(host: string): Promise<string> {
  const { bytes } = await client.readPrefix(`https://${host}:${port}/`, 100);
  return Buffer.from(bytes).toString();
}

test("an allowed name is reached over TLS under its own name", async () => {
  expect(await readText("secure.origin.example")).toBe("over TLS");
  expect(serverNames.at(-1)).toBe("secure.origin.example");
});

test("an allowed address is reached over TLS", async () => {
  expect(await readText("127.0.0.1")).toBe("over TLS");
});

test("a certificate for another name is refused", async () => {
  await expect(readText("other.origin.example")).rejects.toMatchObject({
    code: "media_connection_failed",
    message: expect.stringContaining("ERR_TLS_CERT_ALTNAME_INVALID"),
  });
});
