import { sep } from "node:path";
import { fileURLToPath } from "node:url";
import type { StorageTarget } from "./storage-url.ts";

/** The playlist of an HLS copy, which is a folder; the URL of such a copy is that of its playlist. */
export const PLAYLIST_NAME = "index.m3u8";

/**
 * How files of an HLS copy are called. They have numbers for names, so that nothing else is let through: no part of a
 * path, nothing hidden, no character that means something anywhere.
 */
const FILE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

/** Whether a stored copy is a folder with a playlist in it. */
export function isFolderCopy(storedUrl: string): boolean {
  return storedUrl.endsWith(`/${PLAYLIST_NAME}`);
}

/**
 * Where a file of a copy lies, relative to the root of the storage, with `/` between its parts; null when the copy is
 * not of this storage, or cannot have such a file.
 *
 * @param storedUrl From the catalogue.
 * @param file Untrusted; null for a copy that is one file.
 */
export function placeOf(
  target: StorageTarget,
  storedUrl: string,
  file: string | null,
): string | null {
  const place = placeInside(target, storedUrl);
  if (place === null || isFolderCopy(storedUrl) !== (file !== null)) return null;
  if (file === null) return place;
  if (!FILE_NAME.test(file)) return null;
  return place.slice(0, -PLAYLIST_NAME.length) + file;
}

function placeInside(target: StorageTarget, storedUrl: string): string | null {
  const root = rootOf(target);
  const path = target.kind === "folder" ? pathOf(storedUrl) : storedUrl;
  if (path === null || !path.startsWith(root)) return null;
  const place = path.slice(root.length);
  const isPlain = place
    .split("/")
    .every((part) => part !== "" && part !== "." && part !== ".." && !/[\0\\]/.test(part));
  return isPlain ? place : null;
}

function rootOf(target: StorageTarget): string {
  if (target.kind === "folder") return `${target.root}/`;
  return `s3://${target.bucket}/${target.prefix === "" ? "" : `${target.prefix}/`}`;
}

function pathOf(storedUrl: string): string | null {
  try {
    return fileURLToPath(storedUrl).replaceAll(sep, "/");
  } catch {
    return null;
  }
}
