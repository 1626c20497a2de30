import { basename, dirname, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { AppError } from "@reelgate/shared/errors";
import { parseAllowedHosts } from "../guard/allowed-hosts.ts";
import {
  createMediaClient,
  type MediaClient,
  type MediaClientOptions,
} from "../http/media-client.ts";
import { createFolderClient } from "../source/folder-client.ts";

/** A client, and the URL to give it. */
export interface Target {
  client: MediaClient;
  url: string;
}

/**
 * A client for what was typed: a URL, whose own host is thereby allowed, or a file of this machine, whose folder is.
 *
 * @throws AppError `config_invalid` when it is no such thing, or an entry of `allow` is not usable.
 */
export function openTarget(
  typed: string,
  allow: readonly string[],
  options: Omit<MediaClientOptions, "allowedHosts"> = {},
): Target {
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//iu.exec(typed)?.[1]?.toLowerCase() ?? null;
  const url = scheme === null ? null : URL.parse(typed);
  switch (scheme) {
    case "http":
    case "https": {
      if (url === null) {
        throw unusable(typed, "is no URL that can be read");
      }
      const allowedHosts = parseAllowedHosts([url.host, ...allow].join(","));
      return { client: createMediaClient({ ...options, allowedHosts }), url: url.href };
    }
    case "file":
    case null: {
      const path = scheme === null ? resolve(typed) : pathOf(typed);
      return { client: createFolderClient(dirname(path)), url: pathToFileURL(path).href };
    }
    default:
      throw unusable(typed, "is neither http:// nor https:// nor a file");
  }
}

function pathOf(typed: string): string {
  try {
    return fileURLToPath(typed);
  } catch {
    throw unusable(typed, "is no file of this machine");
  }
}

function unusable(typed: string, why: string): AppError {
  return new AppError("config_invalid", {
    message: `${withoutSecrets(typed)} ${why}. Give a URL such as https://example.com/recording.mp4, or a path.`,
  });
}

/** For people and logs: a password and the query of a signed address open it for whoever reads them. */
export function withoutSecrets(typed: string): string {
  const [address = ""] = typed.split(/[?#]/u, 1);
  return /^https?:\/\//iu.test(typed) ? address.replace(/^(https?:\/\/)[^/]*@/iu, "$1") : typed;
}

/**
 * What to call a copy when nobody said: the last part of the path without its extension. A playlist is mostly called as
 * all others are, so its folder's name comes before its own.
 */
export function nameOfTarget(typed: string): string {
  const path = URL.parse(typed)?.pathname ?? resolve(typed);
  const last = basename(path);
  const name = last.replace(/\.[A-Za-z0-9]{1,5}$/, "");
  const folder = basename(dirname(path));
  if (name === "") {
    return "recording";
  }
  return /\.m3u8?$/iu.test(last) && folder !== "" ? `${folder}-${name}` : name;
}
