import { existsSync } from "node:fs";
import { DASHBOARD_ENV } from "@reelgate/dashboard/config";
import { INGRESS_ENV } from "@reelgate/ingress/config";
import { PREFERRED_OPS_PORTS } from "@reelgate/launcher/app-specs";
import { OPS_ENV } from "@reelgate/shared/env";
import type { EnvDeclaration } from "@reelgate/shared/env";
import { WORKER_ENV } from "@reelgate/worker/config";
import { describe, expect, it } from "vitest";
import { ROOT, dockerfileStages, interpolations, read, readCompose } from "./deploy-files.ts";

const compose = readCompose("docker-compose.yml");
const services = Object.entries(compose.services);

/** What each app reads. The dashboard also gets the storage's variables: it reads stored copies from there. */
const DECLARED: Readonly<Record<"ingress" | "worker" | "dashboard", EnvDeclaration>> = {
  ingress: INGRESS_ENV,
  worker: WORKER_ENV,
  dashboard: { ...DASHBOARD_ENV, ...storageOf(WORKER_ENV) },
};
const apps = Object.entries(DECLARED);

/** Decided by the compose file, or, unsigned callbacks, not for production. */
const NOT_PASSED = new Set(["PORT", "HOST", "DASHBOARD_PORT", "ALLOW_UNSIGNED"]);
const FIXED = new Set(["OPS_HOST", "OPS_PORT", "DASHBOARD_HOST", "MEDIA_WORK_DIR", "SPOOL_DIR"]);

function storageOf(declaration: EnvDeclaration): EnvDeclaration {
  return Object.fromEntries(
    Object.entries(declaration).filter(([name]) => name.startsWith("STORAGE_")),
  );
}

const environmentOf = (service: string): [string, string][] =>
  Object.entries(compose.services[service]?.environment ?? {}).map(([name, value]) => [
    name,
    String(value),
  ]);

describe("docker-compose.yml", () => {
  it.each(apps)("gives the %s every variable that it declares, and no other", (app, declared) => {
    const passed = environmentOf(app).map(([name]) => name);
    const wanted = Object.keys(declared).filter((name) => !NOT_PASSED.has(name));
    expect(passed.toSorted()).toEqual(wanted.toSorted());
  });

  it.each(apps)("passes the %s's variables on as they are, and leaves defaults to it", (app) => {
    const changed = environmentOf(app).filter(([name, value]) => {
      const [used, ...others] = interpolations(value);
      const isUrl = name === "REDIS_URL" || name === "DATABASE_URL";
      if (FIXED.has(name)) return used !== undefined;
      if (isUrl) return used?.kind !== "required";
      return (
        others.length > 0 || used?.name !== name || (used.kind === "default" && used.rest !== "")
      );
    });
    expect(changed).toEqual([]);
  });

  it.each(apps)("sets the %s to values that it takes", (app, declared) => {
    for (const [name, value] of environmentOf(app).filter(([name]) => FIXED.has(name))) {
      expect(declared[name]?.parse(value)).toBeDefined();
    }
    const opsPort = compose.services[app]?.environment?.["OPS_PORT"];
    expect(opsPort).toBe(PREFERRED_OPS_PORTS[app as keyof typeof PREFERRED_OPS_PORTS]);
  });

  it("has no default for a secret, and says what to do without a required one", () => {
    const secrets = new Set(
      apps.flatMap(([, declared]) =>
        Object.entries(declared)
          .filter(([, variable]) => variable.secret === true)
          .map(([name]) => name),
      ),
    );
    const used = interpolations(read("docker-compose.yml"));
    const isSecret = (name: string): boolean => secrets.has(name) || /PASSWORD|TOKEN/u.test(name);
    expect(
      used.filter(({ name, kind, rest }) => isSecret(name) && kind === "default" && rest !== ""),
    ).toEqual([]);
    const required = used.filter(({ kind }) => kind === "required");
    expect([...new Set(required.map(({ name }) => name))].toSorted()).toEqual([
      "CALLBACK_KEYS",
      "DASHBOARD_PASSWORD",
      "POSTGRES_PASSWORD",
      "REDIS_PASSWORD",
    ]);
    for (const { name, rest } of required) {
      expect(rest).toContain(`${name} is not set. Copy .env.example to .env`);
    }
  });

  it("publishes the ingress and the edge, and what is private on this machine alone", () => {
    const published = services.filter(([, { ports }]) => ports !== undefined);
    expect(Object.fromEntries(published.map(([name, { ports }]) => [name, ports]))).toEqual({
      ingress: ["${INGRESS_BIND:-0.0.0.0}:${INGRESS_PORTS:-8080}:8080"],
      dashboard: ["${DASHBOARD_BIND:-127.0.0.1}:${DASHBOARD_PORT:-3000}:3000"],
      edge: [
        "${EDGE_BIND:-0.0.0.0}:${EDGE_HTTP_PORT:-80}:80",
        "${EDGE_BIND:-0.0.0.0}:${EDGE_HTTPS_PORT:-443}:443",
      ],
      prometheus: ["127.0.0.1:${PROMETHEUS_PORT:-9090}:9090"],
      grafana: ["127.0.0.1:${GRAFANA_PORT:-3001}:3000"],
    });
    expect(INGRESS_ENV.PORT.default).toBe("8080");
    expect(DASHBOARD_ENV.DASHBOARD_PORT.default).toBe("3000");
  });

  it("keeps Redis and Postgres in a network without a way out", () => {
    expect(compose.networks?.["data"]).toEqual({ internal: true });
    for (const name of ["redis", "postgres", "migrate"]) {
      expect(compose.services[name]?.networks).toEqual(["data"]);
    }
    expect(compose.services["edge"]?.networks).toEqual(["public"]);
  });

  it.each(services)("closes %s", (name, service) => {
    expect(service).toMatchObject({
      init: name !== "postgres",
      read_only: true,
      cap_drop: ["ALL"],
      security_opt: ["no-new-privileges:true"],
      mem_limit: expect.stringMatching(/\d[gm]\}?$/u) as string,
    });
    expect(service.logging?.options).toEqual({ "max-size": "20m", "max-file": "5" });
    expect(service.tmpfs).toContain("/tmp");
  });

  it.each(Object.keys(DECLARED))("waits longer for the %s to stop than it takes", (app) => {
    const [period] = interpolations(compose.services[app]?.stop_grace_period ?? "");
    const graceMs = Number(OPS_ENV.SHUTDOWN_GRACE_MS.default);
    expect(Number(/^(\d+)s$/u.exec(period?.rest ?? "")?.[1]) * 1000).toBeGreaterThanOrEqual(
      graceMs + 10_000,
    );
  });

  it("starts nothing before what it needs is healthy or done, and the ingress without a healthy Redis", () => {
    const conditions = Object.fromEntries(
      services.map(([name, { depends_on }]) => [
        name,
        Object.entries(depends_on ?? {}).map(([on, { condition }]) => `${on} ${condition}`),
      ]),
    );
    expect(conditions).toMatchObject({
      ingress: ["redis service_started"],
      worker: ["redis service_healthy", "migrate service_completed_successfully"],
      dashboard: ["redis service_healthy", "migrate service_completed_successfully"],
      migrate: ["postgres service_healthy"],
      edge: ["ingress service_healthy"],
    });
  });

  it("has Redis write to disk before it replies, and never drop a job", () => {
    const script = compose.services["redis"]?.command?.join("\n") ?? "";
    for (const line of [
      "appendonly yes",
      "appendfsync always",
      "no-appendfsync-on-rewrite no",
      "maxmemory-policy noeviction",
      'requirepass "$$REDIS_PASSWORD"',
    ]) {
      expect(script.split("\n")).toContain(line);
    }
  });

  it("mounts what is there: files of the repository, declared volumes, folders of the image", () => {
    const made = dockerfileStages("deploy/Dockerfile").get("runtime")?.join("\n") ?? "";
    const problems = services.flatMap(([, { volumes = [], build }]) =>
      volumes.filter((volume) => {
        const [source = "", target = ""] = volume.split(":");
        if (!source.startsWith("./")) {
          return (
            !(source in (compose.volumes ?? {})) || (build !== undefined && !made.includes(target))
          );
        }
        return !existsSync(new URL(source, ROOT)) || !volume.endsWith(":ro");
      }),
    );
    expect(problems).toEqual([]);
  });

  it("builds targets of the Dockerfile", () => {
    const built = services.flatMap(([, { build }]) => (build === undefined ? [] : [build]));
    expect(built.map(({ target }) => target).toSorted()).toEqual([
      "dashboard",
      "ingress",
      "reelgate",
      "worker",
    ]);
    for (const { target, dockerfile } of built) {
      expect([...dockerfileStages(dockerfile).keys()]).toContain(target);
    }
  });
});

it("deploy/external.compose.yml puts its own servers in the place of every use of the bundled ones", () => {
  const external = readCompose("deploy/external.compose.yml");
  for (const [name, { environment }] of services) {
    const urls = Object.keys(environment ?? {}).filter((variable) =>
      ["REDIS_URL", "DATABASE_URL"].includes(variable),
    );
    const replaced = Object.keys(external.services[name]?.environment ?? {});
    expect(replaced.toSorted()).toEqual(urls.toSorted());
  }
  expect(external.services).toMatchObject({ redis: { scale: 0 }, postgres: { scale: 0 } });
});
