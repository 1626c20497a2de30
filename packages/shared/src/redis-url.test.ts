import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseRedisUrl } from "./redis-url.ts";
import type { RedisTarget } from "./redis-url.ts";

const NOBODY = { username: null, password: null };

describe("REDIS_URL", () => {
  it("names one server, Sentinels or a cluster", () => {
    expect(parseRedisUrl("redis://host")).toEqual({
      kind: "single",
      endpoint: { host: "host", port: 6379 },
      database: 0,
      credentials: NOBODY,
      tls: null,
    });
    expect(parseRedisUrl("rediss://user:p%40ss%3A@[::1]:6380/3")).toEqual({
      kind: "single",
      endpoint: { host: "::1", port: 6380 },
      database: 3,
      credentials: { username: "user", password: "p@ss:" },
      tls: { ca: null },
    });
    expect(
      parseRedisUrl("redis+sentinel://:p@a:26380,b/my%2Fmaster/2?sentinel_password=s%26+"),
    ).toEqual({
      kind: "sentinel",
      sentinels: [
        { host: "a", port: 26380 },
        { host: "b", port: 26379 },
      ],
      group: "my/master",
      database: 2,
      credentials: { username: null, password: "p" },
      sentinelCredentials: { username: null, password: "s&+" },
      tls: null,
    });
    expect(parseRedisUrl("rediss+cluster://u:p@a:7000,b:7001")).toEqual({
      kind: "cluster",
      nodes: [
        { host: "a", port: 7000 },
        { host: "b", port: 7001 },
      ],
      credentials: { username: "u", password: "p" },
      tls: { ca: null },
    });
  });

  it.each([
    ["secret", "is not a URL"],
    ["redis//:secret@host", "is not a URL"],
    ["redis://:sec#ret@host", "%23"],
    ["http://:secret@host", "must begin with redis:// or rediss://"],
    ["redis+other://:secret@host", "redis+cluster://"],
    ["redis://:secret@host,other", "redis+sentinel://"],
    ["redis://:secret@", "has a host that is no name"],
    ["redis://:secret@host:70000", "has a host that is no name"],
    ["redis://:secret@host/x", "has a database that is no number"],
    ["redis://:secret@host/0/1", "more than a database"],
    ["redis://:secret@host?family=6", "takes none"],
    ["redis://:sec%ret@host", "%25"],
    ["redis://secret@host", "has a user without a password"],
    ["redis+sentinel://:secret@host", "must name the master's group"],
    ["redis+sentinel://:secret@host/g?tls=secret", "sentinel_username and sentinel_password"],
    ["redis+cluster://:secret@host/1", "a cluster has 0 alone"],
  ])("says what is wrong with %s, and nothing of what is in it", (text, problem) => {
    expect(() => parseRedisUrl(text)).toThrow(problem);
    expect(messageOf(text)).not.toContain("ret");
  });

  it("comes back from its text, whatever is in names and passwords", () => {
    const word = fc.string({ minLength: 1 }).filter((text) => text.isWellFormed());
    const endpoint = fc.record({
      host: fc.oneof(fc.domain(), fc.ipV4(), fc.constant("::1")),
      port: fc.integer({ min: 1, max: 65_535 }),
    });
    const endpoints = fc.array(endpoint, { minLength: 1, maxLength: 4 });
    const password = fc.option(word);
    const credentials = password.chain((given) =>
      fc.record({
        username: given === null ? fc.constant(null) : fc.option(word),
        password: fc.constant(given),
      }),
    );
    const access = { credentials, tls: fc.option(fc.constant({ ca: null })) };
    const database = fc.integer({ min: 0, max: 99_999 });
    const target: fc.Arbitrary<RedisTarget> = fc.oneof(
      fc.record({ ...access, kind: fc.constant("single" as const), endpoint, database }),
      fc.record({
        ...access,
        kind: fc.constant("sentinel" as const),
        sentinels: endpoints,
        group: word,
        database,
        sentinelCredentials: credentials,
      }),
      fc.record({ ...access, kind: fc.constant("cluster" as const), nodes: endpoints }),
    );
    fc.assert(
      fc.property(target, (given) => {
        expect(parseRedisUrl(textOf(given))).toEqual(given);
      }),
    );
  });

  it("is a target or an error, for any text", () => {
    const text = fc.oneof(
      fc.string(),
      fc
        .tuple(
          fc.constantFrom("redis://", "rediss+sentinel://", "redis+cluster://"),
          fc.string({ unit: fc.constantFrom(..."ab:/@?#[]%,.&=0") }),
        )
        .map((parts) => parts.join("")),
    );
    fc.assert(
      fc.property(text, (given) => {
        expect(messageOf(given)).toBeTypeOf("string");
      }),
    );
  });
});

function messageOf(text: string): string {
  try {
    return parseRedisUrl(text).kind;
  } catch (error) {
    return error instanceof Error && error.constructor === Error ? error.message : fail(error);
  }
}

function fail(error: unknown): never {
  throw new Error("another error than the parser's own", { cause: error });
}

/** Written from the description of the format, not with the parser's parts. */
function textOf(target: RedisTarget): string {
  const encode = encodeURIComponent;
  const { username, password } = target.credentials;
  const user = password === null ? "" : `${encode(username ?? "")}:${encode(password)}@`;
  const secure = target.tls === null ? "redis" : "rediss";
  const hosts = (endpoints: readonly { host: string; port: number }[]): string =>
    endpoints
      .map(({ host, port }) => `${host.includes(":") ? `[${host}]` : host}:${port}`)
      .join(",");
  switch (target.kind) {
    case "single":
      return `${secure}://${user}${hosts([target.endpoint])}/${target.database}`;
    case "sentinel": {
      const own = target.sentinelCredentials;
      const options = [
        ...(own.username === null ? [] : [`sentinel_username=${encode(own.username)}`]),
        ...(own.password === null ? [] : [`sentinel_password=${encode(own.password)}`]),
      ];
      return `${secure}+sentinel://${user}${hosts(target.sentinels)}/${encode(target.group)}/${target.database}?${options.join("&")}`;
    }
    case "cluster":
      return `${secure}+cluster://${user}${hosts(target.nodes)}`;
    default:
      return target satisfies never;
  }
}
