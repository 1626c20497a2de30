import { isIP } from "node:net";
import { isAbsolute } from "node:path";
import { fileURLToPath } from "node:url";
import { AppError, errorMessage } from "@reelgate/shared/errors";

/** Where verified copies are kept. */
export type StorageTarget = FolderTarget | S3Target;

export interface FolderTarget {
  kind: "folder";
  /** Absolute. */
  root: string;
}

export interface S3Target {
  kind: "s3";
  bucket: string;
  /** Put before every key: "" or parts parted by `/`, without one at either end. */
  prefix: string;
  /** `https://cos.ap-guangzhou.myqcloud.com`; null for Amazon's own. */
  endpoint: string | null;
  region: string;
  /**
   * The bucket stands in the path instead of the host's name. For servers under test and MinIO: Tencent COS refuses it
   * for every bucket made since 2024 (`PathStyleDomainForbidden`).
   */
  pathStyle: boolean;
}

const FOLDER_EXAMPLE = "file:///var/lib/reelgate/recordings";
const S3_EXAMPLE =
  "s3://recordings-1250000000/live?endpoint=https://cos.ap-guangzhou.myqcloud.com&region=ap-guangzhou";

/** Together with the longest name of a copy this stays below the 1024 bytes that S3 allows for a key. */
const MAX_PREFIX_BYTES = 300;

/**
 * Reads `file:///folder` or `s3://bucket/prefix?endpoint=…&region=…[&path_style=true]`.
 *
 * @throws AppError `config_invalid` whose message says what is wrong and shows a good one. It never repeats the URL,
 *   which may carry a key by mistake.
 */
export function parseStorageUrl(text: string): StorageTarget {
  const url = URL.parse(text.trim());
  switch (url?.protocol) {
    case "file:":
      return folderTarget(url);
    case "s3:":
      return s3Target(url);
    default:
      throw invalid(
        "it begins with neither file:// nor s3://",
        `${FOLDER_EXAMPLE} or ${S3_EXAMPLE}`,
      );
  }
}

function folderTarget(url: URL): FolderTarget {
  if (url.host !== "") {
    throw invalid("a folder's URL names no host; it has three slashes", FOLDER_EXAMPLE);
  }
  if (url.search !== "" || url.hash !== "") {
    throw invalid("a folder's URL has no ? and no #; write %3F and %23", FOLDER_EXAMPLE);
  }
  let path: string;
  try {
    path = fileURLToPath(url);
  } catch (error) {
    throw invalid(`it is no path (${errorMessage(error)})`, FOLDER_EXAMPLE);
  }
  const root = path.length > 1 ? path.replace(/[/\\]+$/, "") : path;
  if (!isAbsolute(root) || root === "/" || root.includes("\0")) {
    throw invalid("it must name a folder below the root", FOLDER_EXAMPLE);
  }
  return { kind: "folder", root };
}

const BUCKET = /^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/;
const REGION = /^[a-z0-9][a-z0-9-]{0,62}$/;
const PARAMETERS: ReadonlySet<string> = new Set(["endpoint", "region", "path_style"]);

function s3Target(url: URL): S3Target {
  if (url.username !== "" || url.password !== "") {
    throw invalid("keys do not belong into the URL; they are given on their own", S3_EXAMPLE);
  }
  const bucket = url.hostname;
  if (!BUCKET.test(bucket) || url.port !== "" || url.hash !== "") {
    throw invalid(
      "what follows s3:// must be the name of a bucket, 3 to 63 of a-z 0-9 . -",
      S3_EXAMPLE,
    );
  }
  for (const name of url.searchParams.keys()) {
    if (!PARAMETERS.has(name) || url.searchParams.getAll(name).length > 1) {
      throw invalid(
        "after the ? come endpoint, region and path_style, each at most once",
        S3_EXAMPLE,
      );
    }
  }
  const region = url.searchParams.get("region");
  if (region === null || !REGION.test(region)) {
    throw invalid("region= is missing or is no name of a region", S3_EXAMPLE);
  }
  const pathStyle = url.searchParams.get("path_style") ?? "false";
  if (pathStyle !== "true" && pathStyle !== "false") {
    throw invalid("path_style= must be true or false", S3_EXAMPLE);
  }
  const endpoint = url.searchParams.get("endpoint");
  return {
    kind: "s3",
    bucket,
    prefix: keyPrefix(url.pathname),
    endpoint: endpoint === null ? null : endpointOrigin(endpoint, bucket, pathStyle === "true"),
    region,
    pathStyle: pathStyle === "true",
  };
}

function keyPrefix(pathname: string): string {
  let prefix: string;
  try {
    prefix = decodeURIComponent(pathname).replaceAll(/^\/+|\/+$/g, "");
  } catch {
    throw invalid("the prefix has a % that is no escape", S3_EXAMPLE);
  }
  const parts = prefix === "" ? [] : prefix.split("/");
  if (
    Buffer.byteLength(prefix) > MAX_PREFIX_BYTES ||
    parts.some((part) => !/^[^\p{C}\\]+$/u.test(part) || part === "." || part === "..")
  ) {
    throw invalid(
      `the prefix must be at most ${MAX_PREFIX_BYTES} bytes of names parted by single slashes`,
      S3_EXAMPLE,
    );
  }
  return prefix;
}

function endpointOrigin(text: string, bucket: string, pathStyle: boolean): string {
  const url = URL.parse(text);
  if (url === null || (url.protocol !== "https:" && url.protocol !== "http:")) {
    throw invalid(
      "endpoint= must begin with https:// (or http:// inside your own network)",
      S3_EXAMPLE,
    );
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "" || url.username !== "") {
    throw invalid("endpoint= is scheme and host alone", S3_EXAMPLE);
  }
  if (url.hostname.startsWith(`${bucket}.`)) {
    throw invalid(
      "endpoint= must not name the bucket: it is put before the host by itself",
      S3_EXAMPLE,
    );
  }
  if (!pathStyle && isIP(url.hostname.replaceAll(/[[\]]/g, "")) !== 0) {
    throw invalid("an endpoint that is an IP address needs path_style=true", S3_EXAMPLE);
  }
  return url.origin;
}

function invalid(problem: string, example: string): AppError {
  return new AppError("config_invalid", {
    message: `The storage URL is not usable: ${problem}. Example: ${example}`,
  });
}
