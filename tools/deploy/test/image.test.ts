import { existsSync } from "node:fs";
import { PREFERRED_OPS_PORTS } from "@reelgate/launcher/app-specs";
import { APP_NAMES, NODE_FLAGS } from "@reelgate/launcher/apps";
import { describe, expect, it } from "vitest";
import { ROOT, dockerfileStages, read, readCompose } from "./deploy-files.ts";

const stages = dockerfileStages("deploy/Dockerfile");
const instructions = [...stages.values()].flat();

describe("deploy/Dockerfile", () => {
  it("stands on the Node of the workspace", () => {
    const manifest = JSON.parse(read("package.json")) as { devDependencies: { node: string } };
    const major = manifest.devDependencies.node.split(".", 1)[0];
    const bases = instructions.flatMap((line) => /^FROM (\S+)/u.exec(line)?.[1] ?? []);
    expect(bases.filter((base) => !stages.has(base))).toEqual([`node:${major}-bookworm-slim`]);
  });

  it("takes pnpm's version from package.json alone, and installs from the lock file alone", () => {
    const text = instructions.join("\n");
    expect(text).toContain(`require("/app/package.json").packageManager`);
    expect(text).not.toMatch(/pnpm@\d/u);
    const installs = [...text.matchAll(/pnpm install .*/gu)].map(String);
    expect(installs).toHaveLength(3);
    expect(installs.filter((line) => !line.includes("--frozen-lockfile"))).toEqual([]);
  });

  it.each(APP_NAMES)("starts the %s as `npm start` does, with a port of its own", (app) => {
    const stage = stages.get(app) ?? [];
    const command = ["node", "--enable-source-maps", ...(NODE_FLAGS[app] ?? [])];
    expect(stage[0]).toBe(`FROM runtime AS ${app}`);
    expect(stage.at(-1)).toBe(
      `CMD ${JSON.stringify([...command, `/app/apps/${app}/dist/main.js`]).replaceAll(",", ", ")}`,
    );
    expect(stage).toContain(`ENV OPS_PORT=${PREFERRED_OPS_PORTS[app]}`);
    expect(stage.some((line) => line.startsWith("HEALTHCHECK "))).toBe(true);
  });

  it("makes no layer for a target: they differ by their command alone", () => {
    for (const target of [...APP_NAMES, "reelgate"]) {
      const layers = (stages.get(target) ?? []).filter((line) =>
        /^(RUN|COPY|ADD|WORKDIR)/u.test(line),
      );
      expect(layers).toEqual([]);
    }
  });

  it("runs without root", () => {
    expect(stages.get("runtime")?.at(-1)).toBe("USER 1000:1000");
    expect(instructions.filter((line) => line.startsWith("USER "))).toEqual([
      "USER 1000:1000",
      "USER 1000:1000",
    ]);
  });

  it("needs no BuildKit", () => {
    expect(read("deploy/Dockerfile")).not.toMatch(/^#\s*syntax=/mu);
    expect(instructions.filter((line) => /--mount|--link|--chmod|<</u.test(line))).toEqual([]);
  });

  it("copies from the repository what is there and what .dockerignore lets through", () => {
    const copied = instructions.flatMap((line) => {
      const match = /^COPY (?!--)(.+) \S+$/u.exec(line);
      return match === null ? [] : (match[1] ?? "").split(" ").filter((path) => path !== ".");
    });
    expect(copied.length).toBeGreaterThan(2);
    expect(copied.filter((path) => !existsSync(new URL(path, ROOT)))).toEqual([]);
    const ignored = read(".dockerignore").split("\n");
    for (const path of copied.filter((path) => !/^packages(\/|$)/u.test(path))) {
      expect(ignored).toContain(`!${path}`);
    }
  });
});

it(".dockerignore keeps out all that is not named, secrets among it", () => {
  const lines = read(".dockerignore")
    .split("\n")
    .filter((line) => line !== "" && !line.startsWith("#"));
  expect(lines[0]).toBe("*");
  const last = lines.findLastIndex((line) => line.startsWith("!"));
  expect(lines.slice(last + 1)).toEqual(
    expect.arrayContaining(["**/node_modules", "**/dist", "**/test", "**/*.test.ts", "**/.env*"]),
  );
});

it("every image is pinned to a version", () => {
  const images = Object.values(readCompose("docker-compose.yml").services).map(
    ({ image }) => image,
  );
  const foreign = images.filter((image) => !image.startsWith("reelgate/"));
  expect(foreign).toHaveLength(5);
  expect(foreign.filter((image) => !/:v?\d[\w.-]*$/u.test(image))).toEqual([]);
  expect(foreign).toEqual(expect.arrayContaining(["redis:8-bookworm", "postgres:17-bookworm"]));
});
