import { startTestRedis } from "@reelgate/testkit/redis-server";
import { expect, test } from "vitest";
import { callbackBody, nowS, post, sign, startTestIngress } from "./ingress-fixture.ts";

test("G6: no key, signature, token, body or query is in any line, metric or answer", async () => {
  await using redis = await startTestRedis();
  const secrets = {
    key: "topSecretKey-5501",
    token: "pathToken-8ab3f0c2",
    query: "querySecret-77",
    streamParam: "txSecret=61b0a1d2",
    url: "signedUrlSecret-42",
    redisPassword: new URL(redis.url).password,
  };
  await using ingress = await startTestIngress(redis.url, {
    callbackKeys: [secrets.key],
    callbackPathToken: secrets.token,
    logLevel: "trace",
  });
  await ingress.untilReady();

  const t = nowS() + 600;
  const signature = sign(t, secrets.key);
  const fields = {
    event_type: 100,
    stream_param: secrets.streamParam,
    video_url: `http://1.vod2.myqcloud.com/a.mp4?sign=${secrets.url}`,
  };
  const accepted = JSON.stringify({ ...fields, t, sign: signature });
  const path = `${ingress.callbackUrl}/${secrets.token}?key=${secrets.query}`;
  const replies = [
    await post(path, accepted),
    await post(path, accepted.slice(0, -1)),
    await post(path, JSON.stringify({ ...fields, t: t + 1, sign: signature })),
    await post(path, JSON.stringify({ ...fields, t: 5, sign: sign(5, secrets.key) })),
    await post(path, JSON.stringify({ ...fields, t: secrets.url, sign: signature })),
    await post(path, `{"${secrets.url}":1,"${secrets.url}":2}`),
    await post(path, `[${accepted}]`),
    await post(path, accepted.padEnd(70_000)),
    await post(path, accepted, { "content-encoding": `gzip-${secrets.query}` }),
    await post(path, accepted, {
      authorization: `Bearer ${secrets.query}`,
      cookie: secrets.query,
      "x-request-id": `${secrets.query} `.repeat(2),
    }),
    await post(`${ingress.callbackUrl}/${secrets.token}-wrong?key=${secrets.query}`, accepted),
    await post(`${ingress.callbackUrl}/${secrets.token}%zz`, accepted),
  ];
  await redis.kill("SIGKILL");
  replies.push(await post(path, callbackBody(fields, t)));
  replies.push(await post(path, JSON.stringify({ ...fields, n: 1, t, sign: signature })));
  expect(replies.map(({ status }) => status)).toEqual([
    200, 400, 401, 401, 400, 400, 400, 413, 400, 200, 404, 404, 401, 503,
  ]);

  expect(ingress.log.withMessage("callback accepted")).toHaveLength(2);
  expect(ingress.log.withMessage("callback refused")).toHaveLength(10);
  const said = [
    ingress.log.text(),
    await ingress.metrics(),
    JSON.stringify(await ingress.readiness()),
    JSON.stringify(replies),
  ].join("\n");
  for (const [name, secret] of Object.entries({ ...secrets, signature })) {
    expect([name, said.includes(secret)]).toEqual([name, false]);
  }
});

test("a refusal is one line with its reason, the address and the request's id", async () => {
  await using redis = await startTestRedis();
  await using ingress = await startTestIngress(redis.url, { logLevel: "info" });
  await ingress.untilReady();
  await post(ingress.callbackUrl, callbackBody(), { "x-request-id": "edge-1" });
  await post(ingress.callbackUrl, "[]", { "x-request-id": "edge-2" });
  const lines = ingress.log.lines.filter((line) => "requestId" in line);
  expect(lines).toEqual([
    expect.objectContaining({
      level: 30,
      msg: "callback refused",
      reason: "not_an_object",
      remoteAddress: "127.0.0.1",
      requestId: "edge-2",
    }),
  ]);
});
