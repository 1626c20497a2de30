import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { fixturePath, MEDIA_FIXTURES_FOLDER } from "@reelgate/testkit/media-fixtures";
import { type MediaOrigin, startMediaOrigin } from "@reelgate/testkit/media-origin";

const CLI = fileURLToPath(new URL("../src/cli.ts", import.meta.url));

let origin: MediaOrigin;
beforeAll(async () => {
  origin = await startMediaOrigin({ root: MEDIA_FIXTURES_FOLDER });
});
afterAll(async () => {
  await origin[Symbol.asyncDispose]();
});

async function media(...args: string[]): Promise<{ code: unknown; out: string; err: string }> {
  const child = spawn(process.execPath, ["--conditions=source", CLI, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const [code] = (await once(child, "close")) as [unknown];
  return { code, out, err };
}

test("a local file that is whole: a report for people, exit 0", async () => {
  const path = fixturePath("mp4/faststart.mp4");
  const { code, out, err } = await media("index", path);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toContain(`${path} is there and whole.`);
  expect(out).toContain("video      h264 160×90");
});

test("a URL, as JSON", async () => {
  const { code, out } = await media("index", `${origin.url}/flv/full.flv`, "--json");
  expect(code).toBe(0);
  expect(JSON.parse(out)).toMatchObject({
    ok: true,
    media: { container: "flv", video: { codec: "h264" }, audio: { codec: "aac" } },
    findings: [],
    failure: null,
  });
});

test("a broken recording: exit 1, and the finding says why", async () => {
  const { code, out } = await media("index", fixturePath("damaged/mp4-faststart-cut.mp4"));
  expect(code).toBe(1);
  expect(out).toContain("is BROKEN.");
  expect(out).toContain("broken     truncated: ");
});

test("a hole between the ends: only --thorough finds it", async () => {
  const folder = await mkdtemp(join(tmpdir(), "reelgate-thorough-"));
  try {
    const path = join(folder, "hole.mp4");
    const whole = await readFile(fixturePath("mp4/faststart.mp4"));
    await writeFile(path, Buffer.from(whole).fill(0, 20_000, 26_000));
    expect(await media("index", path)).toMatchObject({ code: 0 });
    const { code, out } = await media("index", path, "--thorough");
    expect(code).toBe(1);
    expect(out).toContain("broken     damaged: ");
  } finally {
    await rm(folder, { recursive: true });
  }
});

test("a recording that merely differs from what was declared: exit 0", async () => {
  const { code, out } = await media("index", fixturePath("mp4/faststart.mp4"), "--size", "1");
  expect(code).toBe(0);
  expect(out).toContain("differs from what was declared");
  expect(out).toContain("different  size_mismatch");
});

test("what is not there: exit 1 and the code, in text and in JSON", async () => {
  const url = `${origin.url}/none.mp4`;
  const text = await media("index", url);
  expect(text).toMatchObject({ code: 1, out: "" });
  expect(text.err).toContain("(media_not_found)");
  const json = await media("index", url, "--json");
  expect(json.code).toBe(1);
  expect(JSON.parse(json.out)).toMatchObject({
    ok: false,
    media: null,
    failure: { code: "media_not_found", retryable: true },
  });
});

test("G5: only the typed host is contacted; another one must be allowed", async () => {
  await using victim = await startMediaOrigin({ root: MEDIA_FIXTURES_FOLDER });
  origin.setFault("/elsewhere.mp4", {
    kind: "redirect",
    location: `${victim.url}/mp4/faststart.mp4`,
  });
  const refused = await media("index", `${origin.url}/elsewhere.mp4`);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain("(media_url_forbidden)");
  expect(victim.connections).toBe(0);
  const allowed = await media(
    "index",
    `${origin.url}/elsewhere.mp4`,
    "--allow",
    `127.0.0.1:${victim.port}`,
  );
  expect(allowed.code).toBe(0);
});

test("wrong usage: exit 2, and help tells how", async () => {
  expect(await media("look", "x")).toMatchObject({ code: 2 });
  expect(await media("index")).toMatchObject({ code: 2 });
  expect(await media("index", "x", "--segments", "some")).toMatchObject({ code: 2 });
  expect(await media("index", `${origin.url}/x`, "--allow", "http://x")).toMatchObject({ code: 2 });
  const help = await media("--help");
  expect(help.code).toBe(0);
  expect(help.out).toContain("Exit codes:");
});

describe("download", () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "reelgate-cli-"));
  });
  afterEach(async () => {
    await rm(folder, { recursive: true });
  });

  test("keeps a verified copy, and says where", async () => {
    const url = `${origin.url}/hls/ts/index.m3u8`;
    const { code, out } = await media(
      "download",
      url,
      "--to",
      folder,
      "--name",
      "../a/b",
      "--json",
    );
    expect(code).toBe(0);
    expect(JSON.parse(out)).toMatchObject({
      ok: true,
      stored: { url: `${pathToFileURL(folder).href}/__/a/b/index.m3u8`, files: 14 },
    });
    const checked = await readdir(join(folder, "__/a/b"));
    expect(checked).toHaveLength(14);
  });

  test("a broken recording: exit 1, every part that is broken is named, nothing is kept", async () => {
    const url = `${origin.url}/damaged/hls-segment-missing/index.m3u8`;
    const { code, out } = await media("download", url, "--to", folder);
    expect(code).toBe(1);
    expect(out).toContain("broken     missing_segment: Segment 3 of 4");
    expect((await readdir(folder)).filter((name) => !name.startsWith("."))).toEqual([]);
  });

  test("a storage that cannot be: exit 2 and an example", async () => {
    const { code, err } = await media("download", `${origin.url}/x`, "--to", "s3://b");
    expect(code).toBe(2);
    expect(err).toContain("Example: s3://");
  });
});
