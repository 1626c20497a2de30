import { Agent, createServer, request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";
import { expect, it } from "vitest";
import { closeServer, listen } from "./http-listen.ts";

/** Asks over the agent's connection; resolves with the status, or null when there was no answer. */
function ask(agent: Agent, port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const asked = request({ host: "127.0.0.1", port, agent }, (response) => {
      response.resume();
      response.once("end", () => resolve(response.statusCode ?? null));
    });
    asked.once("error", () => resolve(null));
    asked.end();
  });
}

it("ends although a client goes on asking over its connection, and answers what is in hand", async () => {
  // An answer takes longer than the pause between requests: the connection is hardly ever idle.
  const server = createServer((_request, response) => {
    void delay(20).then(() => response.end("ok"));
  });
  const port = await listen(server, { host: "127.0.0.1", port: 0, portVariable: "PORT" });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const answers: (number | null)[] = [];
  const asking = (async () => {
    while (answers.at(-1) !== null) answers.push(await ask(agent, port));
  })();
  await expect.poll(() => answers.length).toBeGreaterThan(2);
  await closeServer(server);
  await asking;
  agent.destroy();
  expect(answers.slice(0, -1)).toEqual(answers.slice(0, -1).map(() => 200));
});

it("closes a connection that becomes idle while it waits for others", async () => {
  const held: (() => void)[] = [];
  const server = createServer((_request, response) => {
    held.push(() => response.end("ok"));
  });
  const port = await listen(server, { host: "127.0.0.1", port: 0, portVariable: "PORT" });
  server.keepAliveTimeout = 600_000;
  const agent = new Agent({ keepAlive: true });
  const asked = ask(agent, port);
  await expect.poll(() => held.length).toBe(1);
  const closed = closeServer(server);
  held[0]?.();
  expect(await asked).toBe(200);
  await closed;
  agent.destroy();
});
