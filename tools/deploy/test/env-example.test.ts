import { DASHBOARD_ENV } from "@reelgate/dashboard/config";
import { INGRESS_ENV } from "@reelgate/ingress/config";
import { WORKER_ENV } from "@reelgate/worker/config";
import type { EnvDeclaration } from "@reelgate/shared/env";
import { expect, it } from "vitest";
import { interpolations, read } from "./deploy-files.ts";

const lines = read(".env.example")
  .split("\n")
  .flatMap((line) => {
    const match = /^(#?)([A-Z_]+)=(.*)$/u.exec(line);
    return match === null
      ? []
      : [{ isSet: match[1] === "", name: match[2] ?? "", value: match[3] ?? "" }];
  });
const uses = interpolations(read("docker-compose.yml"));
const externalUses = interpolations(read("deploy/external.compose.yml"));

it("asks for exactly the variables without which nothing starts, and gives them no value", () => {
  const required = uses.filter(({ kind }) => kind === "required").map(({ name }) => name);
  expect(lines.filter(({ isSet }) => isSet)).toEqual(
    [...new Set(required)].toSorted().map((name) => ({ isSet: true, name, value: "" })),
  );
});

it("names every variable of the compose files once, and no other", () => {
  const used = new Set([...uses, ...externalUses].map(({ name }) => name));
  // Read by Compose itself.
  for (const name of ["COMPOSE_FILE", "COMPOSE_PROFILES"]) used.add(name);
  expect(lines.map(({ name }) => name).toSorted()).toEqual([...used].toSorted());
});

it("shows the defaults that hold", () => {
  const declared: EnvDeclaration = { ...INGRESS_ENV, ...WORKER_ENV, ...DASHBOARD_ENV };
  const examples = ["INGRESS_PORTS", "EDGE_SITE", "COMPOSE_FILE", "COMPOSE_PROFILES"];
  const wrong = lines.filter(({ isSet, name, value }) => {
    if (isSet || examples.includes(name)) return false;
    const fallback = uses.find((use) => use.name === name && use.rest !== "")?.rest;
    const expected = declared[name]?.default ?? fallback;
    return expected !== undefined && expected !== value;
  });
  expect(wrong).toEqual([]);
});
