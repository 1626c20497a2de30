import { createHash } from "node:crypto";
import { SAMPLE_BODY } from "@reelgate/testkit/recording-body";

export const KEY = "benchKey-7c1d";
export const CALLBACK_PATH = "/callbacks/css";

/** Of a callback of the provider with a signed URL and push parameters. */
const BODY_BYTES = 1024;
const ID_DIGITS = 10;

/** One signed callback as a whole HTTP request, in which `%ID%` stands for ten digits that make it another one. */
export function requestTemplate(port: number): string {
  const t = Math.floor(Date.now() / 1000) + 86_400;
  const sign = createHash("md5").update(`${KEY}${t}`).digest("hex");
  const body = (padding: string): string =>
    JSON.stringify({ ...SAMPLE_BODY, file_id: "%ID%", stream_param: padding, t, sign });
  const growth = ID_DIGITS - "%ID%".length;
  const padding = "p".repeat(BODY_BYTES - growth - Buffer.byteLength(body("")));
  return [
    `POST ${CALLBACK_PATH} HTTP/1.1`,
    `Host: 127.0.0.1:${port}`,
    "User-Agent: bench",
    "Content-Type: application/json",
    `Content-Length: ${BODY_BYTES}`,
    "",
    body(padding),
  ].join("\r\n");
}

export function requestNumber(template: string, serial: number): string {
  return template.replace("%ID%", () => String(serial).padStart(ID_DIGITS, "0"));
}
