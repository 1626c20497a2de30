import { once } from "node:events";
import { createServer, request } from "node:http";
import express from "express";
import { expect, test } from "vitest";
import { createLocalCopies } from "@reelgate/media/storage/local-copies";
import { closeServer, listen } from "@reelgate/shared/http-listen";
import { createCopyServer } from "../src/player/serve-copy.ts";

test("a client that left while the catalogue was asked is no failure", async () => {
  const failures: unknown[] = [];
  const copies = createLocalCopies({ kind: "folder", root: "/no-storage" });
  let finds = 0;
  const serve = createCopyServer({
    copies: {
      ...copies,
      find: (...wanted) => {
        finds += 1;
        return copies.find(...wanted);
      },
    },
    stopping: new AbortController().signal,
    onReadFailed: (error) => failures.push(error),
  });
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const { promise: served, resolve: isServed } = Promise.withResolvers<void>();
  const app = express().get("/", async (asked, response) => {
    arrive();
    await once(response, "close");
    const wanted = { storedUrl: "file:///no-storage/a.mp4", file: null, isDownload: false };
    await serve(asked, response, wanted).catch((error: unknown) => failures.push(error));
    isServed();
  });
  const server = createServer(app);
  const port = await listen(server, { host: "127.0.0.1", port: 0, portVariable: "PORT" });
  try {
    const sent = request({ host: "127.0.0.1", port }).end();
    sent.on("error", () => {});
    await arrived;
    sent.destroy();
    await served;
    expect({ failures, finds }).toEqual({ failures: [], finds: 0 });
  } finally {
    await closeServer(server);
  }
});
