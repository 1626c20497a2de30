import fc from "fast-check";
import { expect, test } from "vitest";
import { AppError } from "@reelgate/shared/errors";
import { parseStorageUrl } from "./storage-url.ts";

test.each([
  ["file:///var/lib/reelgate", "/var/lib/reelgate"],
  ["file:///var/lib/reelgate/", "/var/lib/reelgate"],
  ["  file:///a%20b/c%3Fd  ", "/a b/c?d"],
  ["file:///a/../b", "/b"],
])("%s is the folder %s", (text, root) => {
  expect(parseStorageUrl(text)).toEqual({ kind: "folder", root });
});

test("a bucket of Tencent COS", () => {
  expect(
    parseStorageUrl(
      "s3://rec-1250000000/live/a%20b/?endpoint=https://cos.ap-guangzhou.myqcloud.com&region=ap-guangzhou",
    ),
  ).toEqual({
    kind: "s3",
    bucket: "rec-1250000000",
    prefix: "live/a b",
    endpoint: "https://cos.ap-guangzhou.myqcloud.com",
    region: "ap-guangzhou",
    pathStyle: false,
  });
});

test("a bucket of Amazon, and one of a server of one's own", () => {
  expect(parseStorageUrl("s3://bucket?region=eu-west-1")).toMatchObject({
    prefix: "",
    endpoint: null,
    pathStyle: false,
  });
  expect(
    parseStorageUrl("s3://bucket/p?endpoint=http://127.0.0.1:9000&region=x&path_style=true"),
  ).toMatchObject({ endpoint: "http://127.0.0.1:9000", pathStyle: true });
});

test.each([
  ["/var/lib", "neither file:// nor s3://"],
  ["", "neither file:// nor s3://"],
  ["https://bucket.example/", "neither file:// nor s3://"],
  ["file://host/folder", "names no host"],
  ["file:///", "a folder below the root"],
  ["file:///a?b", "no ? and no #"],
  ["file:///a%2Fb", "no path"],
  ["file:///a%00b", "below the root"],
  ["s3://key:secret@bucket/p?region=x", "keys do not belong"],
  ["s3://Bucket?region=x", "name of a bucket"],
  ["s3://b?region=x", "name of a bucket"],
  ["s3://bucket:9000/?region=x", "name of a bucket"],
  ["s3://bucket#x", "name of a bucket"],
  ["s3://bucket/p", "region= is missing"],
  ["s3://bucket?region=", "region= is missing"],
  ["s3://bucket?region=x&secret=y", "endpoint, region and path_style"],
  ["s3://bucket?region=x&region=y", "endpoint, region and path_style"],
  ["s3://bucket?region=x&path_style=yes", "path_style= must be"],
  ["s3://bucket?region=x&endpoint=cos.example.com", "https://"],
  ["s3://bucket?region=x&endpoint=https://a.example/path", "scheme and host alone"],
  ["s3://bucket?region=x&endpoint=https://u:p@a.example", "scheme and host alone"],
  ["s3://bucket?region=x&endpoint=https://bucket.cos.example", "must not name the bucket"],
  ["s3://bucket?region=x&endpoint=http://127.0.0.1:9000", "path_style=true"],
  ["s3://bucket?region=x&endpoint=http://[::1]:9000", "path_style=true"],
  ["s3://bucket/a//b?region=x", "single slashes"],
  ["s3://bucket/a/%2e%2e%2fb?region=x", "single slashes"],
  ["s3://bucket/%zz?region=x", "no escape"],
  [`s3://bucket/${"a".repeat(301)}?region=x`, "at most 300 bytes"],
])("%s is refused: %s", (text, problem) => {
  expect(() => parseStorageUrl(text)).toThrow(
    expect.objectContaining({ code: "config_invalid", message: expect.stringContaining(problem) }),
  );
  expect(() => parseStorageUrl(text)).toThrow(/Example: /);
});

function outcome(text: string): string {
  try {
    return parseStorageUrl(text).kind;
  } catch (error) {
    return error instanceof AppError ? error.code : String(error);
  }
}

test("any text is a target or one clear error, which repeats no key", () => {
  const schemes = fc.constantFrom("file:///", "s3://", "s3://bucket/", "s3://bucket?region=x&", "");
  fc.assert(
    fc.property(schemes, fc.string({ unit: "binary" }), (scheme, rest) => {
      expect(outcome(scheme + rest)).toMatch(/^(folder|s3|config_invalid)$/);
    }),
    { numRuns: 1000 },
  );
  expect(() => parseStorageUrl("s3://id:hidden@bucket")).not.toThrow(/hidden/);
});
