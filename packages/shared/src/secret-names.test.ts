import { describe, expect, it } from "vitest";
import { isSecretName } from "./secret-names.ts";

describe("G6: names of secrets", () => {
  it.each(
    `sign SIGN sIgN Sign2 sign_2 psign wsSign callback-sign signature X-Amz-Signature key keys Key2 accessKey
    access_key ACCESS-KEY accesskey apiKey APIKey apikey privateKey api_keys keyId playKey auth auth_key oauth
    Authorization proxyAuthorization basicAuth authCode token accessToken refresh_token tokens secret txSecret
    wsSecret client-secret password passwd pass_word passphrase credentials cookie Set-Cookie cookies sessionCookie
    stream_param streamParam sig pwd jwt \u017fign`.split(/\s+/u),
  )("%s is one", (name) => {
    expect(isSecretName(name)).toBe(true);
  });

  it("is one whatever characters stand around it", () => {
    for (const name of ["x\nsecret", "a\r\nsign", "a.key", "sign[]", " token ", "密sign"]) {
      expect([name, isSecretName(name)]).toEqual([name, true]);
    }
  });

  it.each(
    `design redesign designer monkey monkeys keyframe keyframes keyFrame key_frame_interval signal signals signalStrength
    assigned assign reassign resign unsigned signed_at author authority authentic keyboard keyword keyIndex stream_id
    file_id passed passes bypass compass session_id turkey hockey t n`.split(/\s+/u),
  )("%s is none", (name) => {
    expect(isSecretName(name)).toBe(false);
  });

  it("is none without any name", () => {
    expect(isSecretName("")).toBe(false);
  });
});
