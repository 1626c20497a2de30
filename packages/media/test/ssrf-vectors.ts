import { AppError } from "@reelgate/shared/errors";
import type { ErrorCode } from "@reelgate/shared/errors";
import type { ResolvedAddress, ResolveHost } from "../src/guard/connector.ts";

/** What the names of these tests resolve to; any other name is loopback. */
export const NAMES: Readonly<Record<string, readonly string[]>> = {
  "friend.myqcloud.com": ["127.0.0.1"],
  "loopback.myqcloud.com": ["127.0.0.1"],
  "loopback6.myqcloud.com": ["::1"],
  "mapped.myqcloud.com": ["::ffff:127.0.0.1"],
  "mapped-hex.myqcloud.com": ["::ffff:7f00:1"],
  "compatible.myqcloud.com": ["::127.0.0.1"],
  "nat64.myqcloud.com": ["64:ff9b::7f00:1"],
  "local-nat64.myqcloud.com": ["64:ff9b:1::7f00:1"],
  "6to4.myqcloud.com": ["2002:7f00:1::"],
  "mixed-last.myqcloud.com": ["93.184.215.14", "2606:2800:21f::1", "127.0.0.1"],
  "mixed-first.myqcloud.com": ["127.0.0.1", "93.184.215.14"],
  "any.myqcloud.com": ["0.0.0.0"],
  "any6.myqcloud.com": ["::"],
  "private.myqcloud.com": ["10.0.0.1"],
  "cgnat.myqcloud.com": ["100.64.0.1"],
  "link-local.myqcloud.com": ["fe80::1%lo"],
  "unique-local.myqcloud.com": ["fd12:3456::1"],
  "metadata.myqcloud.com": ["169.254.169.254"],
  "azure-metadata.myqcloud.com": ["168.63.129.16"],
  "tencent-metadata.myqcloud.com": ["169.254.0.23"],
  "alibaba-metadata.myqcloud.com": ["100.100.100.200"],
  "a-name.myqcloud.com": ["localhost"],
  "127.0.0.1.myqcloud.com": ["127.0.0.1"],
};

export const resolve: ResolveHost = async (hostname) => addresses(NAMES[hostname] ?? ["127.0.0.1"]);

export function addresses(list: readonly string[]): ResolvedAddress[] {
  return list.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));
}

/** The AppError that the work must end with. */
export async function refusal(work: Promise<unknown>): Promise<AppError> {
  const error = await work.then(
    () => new Error("it went through"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof AppError)) {
    throw new Error("not refused with an AppError", { cause: error });
  }
  return error;
}

/** An allowed name passes as a URL; only what it resolves to is refused. */
export function refusalCode(text: string): ErrorCode {
  return /\/\/[a-z-]+\.myqcloud\.com:/.test(text)
    ? "media_address_forbidden"
    : "media_url_forbidden";
}

/** URLs by name. `P` stands for the victim's port. */
export const LITERALS: readonly (readonly [name: string, url: string])[] = [
  ["dotted decimal", "http://127.0.0.1:P/"],
  ["another loopback address", "http://127.8.8.8:P/"],
  ["one decimal number", "http://2130706433:P/"],
  ["one hexadecimal number", "http://0x7f000001:P/"],
  ["one octal number", "http://017700000001:P/"],
  ["hexadecimal parts", "http://0x7f.0x0.0x0.0x1:P/"],
  ["octal parts", "http://0177.0.0.01:P/"],
  ["two parts", "http://127.1:P/"],
  ["three parts", "http://127.0.1:P/"],
  ["mixed notations", "http://0x7f.1:P/"],
  ["percent-encoded digits", "http://%31%32%37.0.0.1:P/"],
  ["full-width digits", "http://１２７.０.０.１:P/"],
  ["circled digits", "http://①②⑦.⓪.⓪.①:P/"],
  ["ideographic full stops", "http://127。0。0。1:P/"],
  ["a soft hyphen inside", "http://127.0.0.\u00ad1:P/"],
  ["a trailing dot", "http://127.0.0.1.:P/"],
  ["the unspecified address", "http://0.0.0.0:P/"],
  ["the unspecified address, short", "http://0:P/"],
  ["IPv6 loopback", "http://[::1]:P/"],
  ["IPv6 loopback, long", "http://[0:0:0:0:0:0:0:1]:P/"],
  ["IPv6 unspecified", "http://[::]:P/"],
  ["IPv4-mapped", "http://[::ffff:127.0.0.1]:P/"],
  ["IPv4-mapped, hexadecimal", "http://[::ffff:7f00:1]:P/"],
  ["IPv4-compatible", "http://[::127.0.0.1]:P/"],
  ["NAT64", "http://[64:ff9b::127.0.0.1]:P/"],
  ["6to4", "http://[2002:7f00:1::]:P/"],
  ["Teredo", "http://[2001:0:7f00:1::]:P/"],
  ["an IPv6 zone", "http://[fe80::1%25lo]:P/"],
  ["TLS", "https://127.0.0.1:P/"],
  ["the friend's address, another port", "http://127.0.0.1:P/sample.mp4"],
  ["a public address that is not listed", "http://93.184.215.14/"],
  ["AWS, Google, Azure metadata", "http://169.254.169.254/latest/meta-data/"],
  ["Azure's public-looking address", "http://168.63.129.16/"],
  ["IPv6 metadata", "http://[fd00:ec2::254]/"],
];

export const HOSTS: readonly (readonly [name: string, url: string])[] = [
  ["localhost", "http://localhost:P/"],
  ["localhost with a trailing dot", "http://localhost.:P/"],
  ["localhost in capitals", "http://LOCALHOST:P/"],
  ["a name under localhost", "http://a.localhost:P/"],
  ["an allowed name with a trailing dot", "http://loopback.myqcloud.com.:P/"],
  ["the apex of a pattern", "http://myqcloud.com:P/"],
  ["a name that only ends alike", "http://evilmyqcloud.com:P/"],
  ["an allowed name as a prefix", "http://a.myqcloud.com.evil.test:P/"],
  ["an allowed name as the user", "http://friend.myqcloud.com@127.0.0.1:P/"],
  ["user and password", "http://friend.myqcloud.com:80@127.0.0.1:P/"],
  ["an empty user", "http://@127.0.0.1:P/"],
  ["the victim as the user", "http://127.0.0.1:P@friend.myqcloud.com/"],
  ["two at-signs", "http://a@friend.myqcloud.com@127.0.0.1:P/"],
  ["a backslash before the at-sign", "http://friend.myqcloud.com\\@127.0.0.1:P/"],
  ["a backslash as the slash", "http:\\\\127.0.0.1:P\\"],
  ["a backslash after the host", "http://127.0.0.1:P\\.myqcloud.com/"],
  ["a fragment before the at-sign", "http://127.0.0.1:P#@friend.myqcloud.com/"],
  ["a query before the at-sign", "http://127.0.0.1:P?@friend.myqcloud.com/"],
  ["one slash", "http:/127.0.0.1:P/"],
  ["no slash", "http:127.0.0.1:P/"],
  ["many slashes", "http://///127.0.0.1:P/"],
  ["a line break inside", "http://127.0.\n0.1:P/"],
  ["a tab in the scheme", "ht\ttp://127.0.0.1:P/"],
  ["a NUL", "http://127.0.0.1\u0000.myqcloud.com:P/"],
  ["a percent-encoded NUL", "http://127.0.0.1%00.myqcloud.com:P/"],
  ["no scheme", "//127.0.0.1:P/"],
  ["a port that is not allowed", "http://friend.myqcloud.com:22/"],
  ["port 0", "http://friend.myqcloud.com:0/"],
  ["file", "file:///etc/passwd"],
  ["file with a host", "file://127.0.0.1/etc/passwd"],
  ["ftp", "ftp://127.0.0.1:P/"],
  ["gopher", "gopher://127.0.0.1:P/_x"],
  ["data", "data:video/mp4;base64,AAAA"],
  ["blob", "blob:http://127.0.0.1:P/x"],
  ["javascript", "javascript:alert(1)"],
  ["ws", "ws://127.0.0.1:P/"],
  ["unix socket", "http+unix://%2Fvar%2Frun%2Fdocker.sock/"],
];

/** A vector with the port of the victim in it. */
export function aimedAt(template: string, port: number): string {
  return template.replaceAll("P/", `${port}/`).replace(/:P(?=[\\#?@])/, `:${port}`);
}
