import type { MediaClient } from "./media-client.ts";

/**
 * A client over the connections and limits of another that reports the bytes of every body as they are read, for
 * metrics. What it hands on is the same; closing it closes the other.
 */
export function countedClient(client: MediaClient, onBytes: (bytes: number) => void): MediaClient {
  return {
    check: (reference, base) => client.check(reference, base),
    async open(url, options) {
      const response = await client.open(url, options);
      return { ...response, body: counted(response.body, onBytes) };
    },
    async readPrefix(url, maxBytes, signal) {
      const prefix = await client.readPrefix(url, maxBytes, signal);
      onBytes(prefix.bytes.length);
      return prefix;
    },
    close: () => client.close(),
  };
}

async function* counted(
  body: AsyncIterable<Uint8Array>,
  onBytes: (bytes: number) => void,
): AsyncIterable<Uint8Array> {
  for await (const piece of body) {
    onBytes(piece.length);
    yield piece;
  }
}
