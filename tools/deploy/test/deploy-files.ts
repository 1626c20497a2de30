import { readFileSync } from "node:fs";
import { parse } from "yaml";

/** A service of a compose file, as far as the tests look at it. */
export interface ComposeService {
  image: string;
  build?: { target: string; dockerfile: string };
  command?: string[];
  environment?: Record<string, string | number>;
  ports?: string[];
  volumes?: string[];
  networks?: string[];
  profiles?: string[];
  tmpfs?: string[];
  depends_on?: Record<string, { condition: string }>;
  stop_grace_period?: string;
  mem_limit?: string;
  init?: boolean;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  logging?: { options: Record<string, string> };
}

export interface ComposeFile {
  services: Record<string, ComposeService>;
  networks?: Record<string, { internal?: boolean }>;
  volumes?: Record<string, unknown>;
}

export const ROOT: URL = new URL("../../../", import.meta.url);

export function read(path: string): string {
  return readFileSync(new URL(path, ROOT), "utf8");
}

/** A compose file with its merge keys resolved and its variables left as they are. */
export function readCompose(path: string): ComposeFile {
  return parse(read(path), { merge: true }) as ComposeFile;
}

/** A variable where a compose file uses it: `${NAME:-fallback}` or `${NAME:?message}`. */
export interface Interpolation {
  name: string;
  kind: "default" | "required";
  rest: string;
}

/**
 * Every variable in a text, `$$` (a dollar of the container's own) apart.
 *
 * @throws Error on a form that sets a variable neither a fallback nor a message: it would be empty without a word.
 */
export function interpolations(text: string): Interpolation[] {
  return [...text.replaceAll("$$", "").matchAll(/\$\{([^}]*)\}|\$[A-Za-z_]\w*/gu)].map((match) => {
    const parts = /^([A-Z_]+):([-?])(.*)$/u.exec(match[1] ?? "");
    if (parts === null) throw new Error(`${match[0]} has neither :- nor :?`);
    const [, name = "", sign, rest = ""] = parts;
    return { name, kind: sign === "?" ? "required" : "default", rest };
  });
}

/** The targets of a Dockerfile with their instructions, each on one line. */
export function dockerfileStages(path: string): ReadonlyMap<string, readonly string[]> {
  const stages = new Map<string, string[]>();
  let current: string[] = [];
  const lines = read(path)
    .split("\n")
    .filter((line) => !/^\s*(#|$)/u.test(line))
    .join("\n")
    .replaceAll(/\s*\\\n\s*/gu, " ")
    .split("\n");
  for (const line of lines) {
    const stage = /^FROM \S+ AS (\S+)$/u.exec(line)?.[1];
    if (stage !== undefined) {
      current = [];
      stages.set(stage, current);
    }
    current.push(line);
  }
  return stages;
}
