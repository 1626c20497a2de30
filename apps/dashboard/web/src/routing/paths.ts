/** The pages, and what their address says beside the query. */
export type Route =
  | { page: "overview" }
  | { page: "recordings" }
  | { page: "recording"; id: string }
  | { page: "streams" }
  | { page: "stream"; streamId: string }
  | { page: "callbacks" }
  | { page: "callback"; id: string }
  | { page: "not-found" };

/** The page of an address. Stream ids are foreign text: each is one segment, percent-encoded as a whole. */
export function routeOf(pathname: string, search: string): Route {
  const [section = "", segment, ...rest] = pathname.slice(1).replace(/\/$/u, "").split("/");
  const id = segment === undefined ? null : decoded(segment);
  if (rest.length > 0 || (segment !== undefined && id === null)) return { page: "not-found" };
  switch (section) {
    case "":
      return id === null ? { page: "overview" } : { page: "not-found" };
    case "recordings":
      return id === null ? { page: "recordings" } : { page: "recording", id };
    case "callbacks":
      return id === null ? { page: "callbacks" } : { page: "callback", id };
    case "streams": {
      const streamId = id ?? new URLSearchParams(search).get("id");
      return streamId === null ? { page: "streams" } : { page: "stream", streamId };
    }
    default:
      return { page: "not-found" };
  }
}

function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}

export function recordingPath(id: string): string {
  return `/recordings/${encodeURIComponent(id)}`;
}

export function callbackPath(id: string): string {
  return `/callbacks/${encodeURIComponent(id)}`;
}

/** A stream whose id is empty, `.` or `..` has no segment of its own: browsers take such ones out of a path. */
export function streamPath(streamId: string, query = ""): string {
  const isPath = !/^\.{0,2}$/u.test(streamId);
  const path = isPath ? `/streams/${encodeURIComponent(streamId)}` : `/streams?id=${streamId}`;
  if (query === "") return path;
  return `${path}${isPath ? "?" : "&"}${query}`;
}
