import { basename, dirname, resolve } from "node:path";
import { pathToFileURL } from "node:url";
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
 * A client for what was typed: a URL, whose own host is thereby allowed, or the path of a file, whose folder is.
 *
 * @throws AppError `config_invalid` when an entry of `allow` is not usable.
 */
export function openTarget(
  typed: string,
  allow: readonly string[],
  options: Omit<MediaClientOptions, "allowedHosts"> = {},
): Target {
  const url = URL.parse(typed);
  if (url?.protocol === "http:" || url?.protocol === "https:") {
    const allowedHosts = parseAllowedHosts([url.host, ...allow].join(","));
    return { client: createMediaClient({ ...options, allowedHosts }), url: url.href };
  }
  const path = resolve(typed);
  return { client: createFolderClient(dirname(path)), url: pathToFileURL(path).href };
}

/** What to call a copy when nobody said: the last part of the path without its extension. */
export function nameOfTarget(typed: string): string {
  const path = URL.parse(typed)?.pathname ?? typed;
  const last = basename(path).replace(/\.[A-Za-z0-9]{1,5}$/, "");
  return last === "" ? "recording" : last;
}
