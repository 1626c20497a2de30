/** Where one server listens. */
export interface RedisEndpoint {
  host: string;
  port: number;
}

export interface RedisCredentials {
  /** An ACL user; null for the default one. */
  username: string | null;
  password: string | null;
}

interface RedisAccess {
  credentials: RedisCredentials;
  /** Null: plain TCP. Otherwise the server's certificate must be valid for the name that was connected to. */
  tls: RedisTls | null;
}

export interface RedisTls {
  /** Certificates (PEM) that are trusted instead of those that Node brings; null for Node's. */
  ca: string | null;
}

/** The Redis that holds the queues, as REDIS_URL names it. */
export type RedisTarget = RedisAccess &
  (
    | { kind: "single"; endpoint: RedisEndpoint; database: number }
    | {
        kind: "sentinel";
        sentinels: readonly RedisEndpoint[];
        /** The master's name among the Sentinels. */
        group: string;
        database: number;
        /** Of the Sentinels themselves. */
        sentinelCredentials: RedisCredentials;
      }
    | { kind: "cluster"; nodes: readonly RedisEndpoint[] }
  );

const SHAPE =
  /^(?<scheme>[a-z][a-z0-9+.-]*):\/\/(?:(?<user>[^@/?#]*)@)?(?<hosts>[^@/?#]*)(?<path>\/[^?#]*)?(?:\?(?<query>[^#]*))?$/iu;
const SCHEME = /^redis(?<tls>s)?(?:\+(?<topology>sentinel|cluster))?$/u;
const HOST = /^(?:\[(?<ipv6>[0-9a-f:.]+)\]|(?<name>[^:[\]\s]+))(?::(?<port>\d{1,5}))?$/iu;

const REDIS_PORT = 6379;
const SENTINEL_PORT = 26_379;

/**
 * Reads the value of REDIS_URL:
 *
 * - `redis[s]://[user][:password]@host[:port][/database]`
 * - `redis[s]+sentinel://…@host[:port],…/group[/database][?sentinel_username=…&sentinel_password=…]`
 * - `redis[s]+cluster://…@host[:port],…`
 *
 * It is no URL of the WHATWG kind, which has one host. What means something in a URL is percent-encoded in a name or
 * password.
 *
 * @throws Error with what is wrong, which quotes nothing of the text: it holds a password.
 */
export function parseRedisUrl(text: string): RedisTarget {
  const shape = SHAPE.exec(text)?.groups;
  if (shape === undefined) {
    throw new Error(
      "is not a URL, or has one of / ? # @ in its password: write them as %2F %3F %23 %40",
    );
  }
  const scheme = SCHEME.exec(shape["scheme"] ?? "")?.groups;
  if (scheme === undefined) {
    throw new Error(
      "must begin with redis:// or rediss://, redis+sentinel:// or rediss+sentinel://, redis+cluster:// or rediss+cluster://",
    );
  }
  const access: RedisAccess = {
    credentials: credentialsIn(shape["user"] ?? ""),
    tls: scheme["tls"] === undefined ? null : { ca: null },
  };
  const path = (shape["path"] ?? "").split("/").slice(1).map(decoded);
  const query = optionsIn(shape["query"] ?? "");
  const hosts = shape["hosts"] ?? "";
  switch (scheme["topology"]) {
    case "sentinel":
      return { ...access, ...sentinelTarget(hosts, path, query) };
    case "cluster":
      if (path.some((part) => part !== "" && part !== "0")) {
        throw new Error("names a database, and a cluster has 0 alone");
      }
      refuseOptions(query);
      return { ...access, kind: "cluster", nodes: endpointsIn(hosts, REDIS_PORT) };
    default: {
      const [endpoint, ...others] = endpointsIn(hosts, REDIS_PORT);
      if (endpoint === undefined || others.length > 0) {
        throw new Error("has several hosts: redis+sentinel:// and redis+cluster:// take them");
      }
      if (path.length > 1) throw new Error("has more than a database behind its host");
      refuseOptions(query);
      return { ...access, kind: "single", endpoint, database: databaseIn(path[0] ?? "") };
    }
  }
}

function sentinelTarget(
  hosts: string,
  [group = "", database = "", ...others]: readonly string[],
  query: ReadonlyMap<string, string>,
): Extract<RedisTarget, { kind: "sentinel" }> extends infer T ? Omit<T, keyof RedisAccess> : never {
  if (group === "" || others.length > 0) {
    throw new Error("must name the master's group behind its hosts, as in host:26379/mymaster/0");
  }
  refuseOptions(query, "sentinel_username", "sentinel_password");
  return {
    kind: "sentinel",
    sentinels: endpointsIn(hosts, SENTINEL_PORT),
    group,
    database: databaseIn(database),
    sentinelCredentials: {
      username: query.get("sentinel_username") ?? null,
      password: query.get("sentinel_password") ?? null,
    },
  };
}

function credentialsIn(userInfo: string): RedisCredentials {
  const at = userInfo.indexOf(":");
  const username = decoded(at === -1 ? userInfo : userInfo.slice(0, at));
  const password = at === -1 ? "" : decoded(userInfo.slice(at + 1));
  if (username !== "" && password === "") {
    throw new Error("has a user without a password: a password alone stands behind a colon");
  }
  return { username: username || null, password: password || null };
}

function endpointsIn(hosts: string, defaultPort: number): RedisEndpoint[] {
  return hosts.split(",").map((item) => {
    const found = HOST.exec(item)?.groups;
    const port = Number(found?.["port"] ?? defaultPort);
    if (found === undefined || port < 1 || port > 65_535) {
      throw new Error("has a host that is no name, IPv4 address or [IPv6 address], with :port");
    }
    return { host: found["ipv6"] ?? found["name"] ?? "", port };
  });
}

function databaseIn(text: string): number {
  if (!/^\d{0,5}$/u.test(text)) throw new Error("has a database that is no number");
  return Number(text);
}

function optionsIn(query: string): Map<string, string> {
  return new Map(
    query
      .split("&")
      .filter((item) => item !== "")
      .map((item) => {
        const at = item.indexOf("=");
        return [decoded(item.slice(0, Math.max(at, 0))), decoded(item.slice(at + 1))] as const;
      }),
  );
}

function refuseOptions(query: ReadonlyMap<string, string>, ...known: readonly string[]): void {
  for (const name of query.keys()) {
    if (known.includes(name)) continue;
    throw new Error(
      known.length === 0
        ? "has options behind ?, and this kind of URL takes none: in a password write ? as %3F"
        : `has an option behind ? other than ${known.join(" and ")}`,
    );
  }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error("has a % that encodes nothing: in a password write % as %25");
  }
}
