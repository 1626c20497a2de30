import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createLatch } from "@reelgate/testkit/latch";
import { KEY, startReferenceReceiver } from "./reference-receiver.ts";
import type { ReferenceReceiver } from "./reference-receiver.ts";

const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url));

interface Cli {
  process: ChildProcess;
  /** Resolves with the first text on stderr that matches. */
  says(pattern: RegExp): Promise<void>;
  result: Promise<{ code: number | null; out: string; err: string }>;
}

let dataDir: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "reelgate-simulate-"));
});
afterEach(async () => {
  await rm(dataDir, { recursive: true });
});

function start(args: readonly string[], env: Record<string, string> = {}): Cli {
  const child = spawn(process.execPath, ["--conditions=source", CLI, ...args], {
    env: { DATA_DIR: dataDir, ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  const waiting = new Set<() => void>();
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    out += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    err += text;
    for (const look of waiting) look();
  });
  return {
    process: child,
    says: async (pattern) => {
      const latch = createLatch(String(pattern));
      const look = (): void => {
        if (pattern.test(err)) latch.open();
      };
      waiting.add(look);
      look();
      await latch.wait();
    },
    result: once(child, "close").then(([code]) => ({ code: code as number | null, out, err })),
  };
}

const targetOf = (receiver: ReferenceReceiver): string[] => [
  "--url",
  receiver.url,
  "--key",
  KEY,
  "--api",
  receiver.api.url,
  "--user",
  receiver.api.user,
  "--password",
  receiver.api.password,
  "--rate",
  "0",
  "--retries",
  "1",
  "--retry-interval",
  "0",
];

async function freePort(): Promise<{ port: number; close: () => Promise<void> }> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  if (typeof address !== "object" || address === null) throw new Error("no port");
  return {
    port: address.port,
    close: async () => {
      server.close();
      await once(server, "close");
    },
  };
}

describe("npm run simulate", () => {
  it("sends, verifies, prints one JSON text and exits 0", async () => {
    await using receiver = await startReferenceReceiver();
    const { port, close } = await freePort();
    await close();
    const { code, out, err } = await start([
      ...targetOf(receiver),
      ..."--count 60 --scenario mixed --seed 7 --with-origin --verify --json".split(" "),
      "--origin-port",
      String(port),
    ]).result;
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      seed: "7",
      sent: 60,
      verify: { deviations: [] },
    });
    expect(err).toContain("seed 7, run id ");
    // oxlint-disable-next-line no-control-regex -- that is the point: no progress bar without a terminal
    expect(err).not.toMatch(/[\u001B\r]/u);
    expect(err).not.toContain(KEY);
  });

  it("prints tables for people, and exits 1 when a callback was lost", async () => {
    await using receiver = await startReferenceReceiver({
      loses: (body) => body.event_type === 1,
    });
    const { code, out } = await start([
      ...targetOf(receiver),
      ..."--count 30 --scenario unsupported --verify --verify-timeout 0.2".split(" "),
    ]).result;
    expect(code).toBe(1);
    expect(out).toContain("Sent 30 of 30 deliveries");
    expect(out).toMatch(/callbacks unsupported +\d+ +\d+ {2}<-/u);
    expect(out).toMatch(/ {2}lost: event type 1, cb-\w+: expected an outcome, found nothing/u);
  });

  it("exits 1 when a callback could not be delivered, and hints at the key", async () => {
    await using receiver = await startReferenceReceiver();
    const { code, out, err } = await start([
      ...targetOf(receiver),
      "--count",
      "3",
      "--key",
      "another",
    ]).result;
    expect(code).toBe(1);
    expect(out).toMatch(/401 bad_signature +6/u);
    expect(out).toContain("undelivered 3");
    expect(err).toContain("answers 401 bad_signature to a true callback");
  });

  it("finds a running npm start by itself", async () => {
    await using receiver = await startReferenceReceiver();
    const run = {
      pid: process.pid,
      callbackUrl: receiver.url,
      dashboardUrl: receiver.api.url,
      callbackKey: KEY,
      dashboardUser: receiver.api.user,
      dashboardPassword: receiver.api.password,
      redisUrl: "redis://127.0.0.1:1",
      databaseUrl: "postgres://127.0.0.1:1/none",
      originPort: 8090,
    };
    await writeFile(join(dataDir, "run.json"), JSON.stringify(run));
    const { code, out } = await start(["--count", "5", "--rate", "0", "--verify"]).result;
    expect(out).toContain("no deviation");
    expect(code).toBe(0);
  });

  it.each([
    ["no target", [], "--url"],
    ["an unknown flag", ["--nonsense"], "--nonsense"],
    ["a count that is none", ["--count", "few"], "--count"],
  ])("exits 2 for %s", async (_what, args, named) => {
    const { code, out, err } = await start(args).result;
    expect(code).toBe(2);
    expect(out).toBe("");
    expect(err).toContain(named);
    expect(err).not.toContain("    at ");
  });

  it("exits 2 before it sends anything when it could not verify", async () => {
    await using receiver = await startReferenceReceiver();
    const wrong = await start([...targetOf(receiver), "--verify", "--password", "guess"]).result;
    expect(wrong).toMatchObject({ code: 2, out: "" });
    expect(wrong.err).toContain("refuses the user or password");
    expect(wrong.err).not.toContain("guess");
    const absent = await start([...targetOf(receiver), "--verify", "--api", "http://127.0.0.1:1"])
      .result;
    expect(absent).toMatchObject({ code: 2, out: "" });
    expect(absent.err).toContain("no answer from http://127.0.0.1:1");
    expect(receiver.arrivals).toEqual([]);
  });

  it("exits 2 when the origin's port is taken", async () => {
    await using receiver = await startReferenceReceiver();
    const { port, close } = await freePort();
    const taken = await start([
      ...targetOf(receiver),
      "--with-origin",
      "--origin-port",
      String(port),
    ]).result;
    await close();
    expect(taken).toMatchObject({ code: 2, out: "" });
    expect(taken.err).toContain("--origin-port");
    expect(receiver.arrivals).toEqual([]);
  });

  it("keeps the origin until Ctrl-C", async () => {
    await using receiver = await startReferenceReceiver();
    const { port, close } = await freePort();
    await close();
    const cli = start([
      ...targetOf(receiver),
      ..."--count 3 --format mp4 --scenario normal --keep-origin".split(" "),
      "--origin-port",
      String(port),
    ]);
    await cli.says(/stays at/u);
    await receiver.catalogue.idle();
    const [recording] = receiver.catalogue.recordings.values();
    expect(recording).toMatchObject({ state: "indexed", findings: [] });
    cli.process.kill("SIGINT");
    expect(await cli.result).toMatchObject({ code: 0 });
  });

  it("ends at Ctrl-C with a summary of what was sent, and exits 1", async () => {
    const arrived = createLatch("a request");
    await using receiver = await startReferenceReceiver({
      answers: () => {
        arrived.open();
        return "hang";
      },
    });
    const cli = start([...targetOf(receiver), "--count", "5", "--concurrency", "2", "--verify"]);
    await arrived.wait();
    cli.process.kill("SIGINT");
    const { code, out } = await cli.result;
    expect(code).toBe(1);
    expect(out).toMatch(/Sent [12] of 5 deliveries/u);
    expect(out).toMatch(/aborted +[12]/u);
  });
});
