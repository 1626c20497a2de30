/** What a failure's code means and what to do, as in docs/errors.md; a test keeps both equal. */
export interface FailureWords {
  meaning: string;
  advice: string;
}

const WORDS: Readonly<Record<string, FailureWords>> = {
  media_url_forbidden: {
    meaning: "The URL points where this system must not connect.",
    advice:
      "If the host is yours, add it to MEDIA_ALLOWED_HOSTS and retry. If not, someone holds a signature: rotate the callback key.",
  },
  media_address_forbidden: {
    meaning: "The host's name leads to an address that is not public.",
    advice:
      "On a machine inside the provider's cloud the names of COS resolve to private addresses: list their CIDR blocks in MEDIA_ALLOWED_HOSTS (for example *.myqcloud.com,10.0.0.0/8,100.64.0.0/10) and retry. If you did not expect it, the name's DNS is wrong or hostile.",
  },
  media_not_found: {
    meaning: "The origin says that the file is not there.",
    advice:
      "Look into VOD or COS: the file was never written, was moved or has been deleted. Waited for during MEDIA_NOT_FOUND_GRACE_MS.",
  },
  media_forbidden: {
    meaning: "The origin refuses access to the file.",
    advice:
      "The bucket or hotlink protection refuses plain reads: allow this system to read, then retry.",
  },
  media_rate_limited: {
    meaning: "The origin asks to come back later.",
    advice:
      "Nothing; it is tried again when the origin asked for it. If it lasts, lower MEDIA_CONCURRENCY.",
  },
  media_origin_error: {
    meaning: "The origin failed.",
    advice: "Nothing; it is tried again. If it lasts, see the status of VOD or COS.",
  },
  media_http_error: {
    meaning: "The origin answered with a status that no retry will change.",
    advice: "Open the URL by hand and see what the origin says.",
  },
  media_bad_response: {
    meaning: "The origin's answer contradicts itself or the protocol.",
    advice:
      "Nothing; it is tried again. If it lasts, something between here and the origin changes answers.",
  },
  media_timeout: {
    meaning: "The origin was too slow.",
    advice:
      "Nothing; it is tried again. If it lasts, measure the way to the origin, or raise MEDIA_TIMEOUT_MS.",
  },
  media_connection_failed: {
    meaning: "The connection to the origin failed.",
    advice: "Nothing; it is tried again. If it lasts, check the firewall towards the origin.",
  },
  media_dns_failed: {
    meaning: "The host name could not be resolved.",
    advice:
      "Nothing; it is tried again. If it lasts, check this machine's resolver and the host name.",
  },
  media_too_many_redirects: {
    meaning: "The redirects do not come to an end.",
    advice: "Open the URL by hand and see where it leads.",
  },
  media_not_media: {
    meaning: "What is behind the URL is none of the media formats.",
    advice: "Open the URL by hand: an error page in the place of a file, most often.",
  },
  media_playlist_invalid: {
    meaning: "The HLS playlist breaks RFC 8216 in a way that hides what was recorded.",
    advice: "Open the playlist by hand; the message names the line.",
  },
  media_look_crashed: {
    meaning: "Looking at the file ended the worker again and again.",
    advice:
      "See why the worker died (memory limit, most often); then retry the recording. If its file is the cause, please report it.",
  },
  media_budget_exceeded: {
    meaning: "Reading the file needs more bytes than are allowed.",
    advice: "The playlist or file is far larger than any recording; look at it by hand.",
  },
  media_changed: {
    meaning: "The file was replaced while it was read.",
    advice:
      "Nothing; it is tried again from the beginning. If it lasts, something keeps writing to the file.",
  },
  media_incomplete: {
    meaning: "Part of the recording is missing or broken, so no copy of it was stored.",
    advice:
      "The findings name every part. It is waited for during MEDIA_NOT_FOUND_GRACE_MS; after that, mend the file at its origin and retry the recording.",
  },
  storage_full: {
    meaning: "The storage, or the disk that copies are made on, has no room.",
    advice:
      "Make room, or raise the quota. Nothing half is left under a final name, and the work goes on where it stopped.",
  },
  storage_refused: {
    meaning: "The storage refuses the credentials, the bucket or the folder.",
    advice:
      "Mend STORAGE_URL, the credentials or the rights of the folder. It is tried again by itself.",
  },
  storage_unavailable: {
    meaning: "The storage cannot be reached or fails.",
    advice: "Nothing; it is tried again. If it lasts, see the status of the storage.",
  },
  storage_conflict: {
    meaning: "Another file is stored under the name of this recording.",
    advice:
      "Compare the two files, remove the wrong one, then retry the recording. Nothing is ever overwritten.",
  },
  storage_claimed: {
    meaning: "Another process is making the copy of this recording.",
    advice:
      "Nothing; it is tried again, and a process that died or hangs is replaced after a minute.",
  },
};

/** Null for a code that this version of the pages does not know. */
export function failureWords(code: string): FailureWords | null {
  return Object.hasOwn(WORDS, code) ? (WORDS[code] ?? null) : null;
}
