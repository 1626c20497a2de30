import { describe, expect, test } from "vitest";
import { allowsName, allowsResolvedAddress, coversAddress } from "./address-policy.ts";
import { DEFAULT_ALLOWED_HOSTS, parseAllowedHosts } from "./allowed-hosts.ts";

describe("the list of allowed hosts", () => {
  test.each([
    ["*", "Example: *.myqcloud.com, media.example.com:8080, 10.0.0.0/8"],
    ["*.", "Example: *.myqcloud.com"],
    ["*.*.example.com", "Example: *.myqcloud.com"],
    ["media.*.com", "Example: *.myqcloud.com"],
    ["http://media.example.com", "Example: media.example.com"],
    ["media.example.com/path", "Example: 10.0.0.0/8"],
    ["media.example.com.", "Example: *.myqcloud.com"],
    ["a..example.com", "Example: *.myqcloud.com"],
    ["user@example.com", "Example: *.myqcloud.com"],
    ["media.example.com:0", "Example: media.example.com:8080"],
    ["media.example.com:65536", "Example: media.example.com:8080"],
    ["media.example.com:", "Example: media.example.com:8080"],
    ["media.example.com:http", "Example: media.example.com:8080"],
    ["127.1", "Example: 127.0.0.1"],
    ["2130706433", "Example: 127.0.0.1"],
    ["0x7f000001", "Example: 127.0.0.1"],
    ["256.0.0.1", "Example: *.myqcloud.com"],
    ["10.0.0.0/33", "Example: 10.0.0.0/8"],
    ["10.0.0.0/", "Example: 10.0.0.0/8"],
    ["10.0.0.0/x", "Example: 10.0.0.0/8"],
    ["10.1.2.3/8", "Example: 10.0.0.0/8"],
    ["fd00::1/8", "Example: fd00::/8"],
    ["::ffff:127.0.0.1", "Example: 127.0.0.1"],
    ["fe80::1%eth0", "Example: fe80::1"],
    ["[127.0.0.1]", "Example: [::1]:8080"],
    ["[::1", "Example: [::1]:8080"],
    ["[::1]8080", "Example: [::1]:8080"],
    ["[]", "Example: [::1]:8080"],
  ])("refuses %j by name, with an example", (entry, example) => {
    const parse = (): unknown => parseAllowedHosts(`a.example,${entry}`);
    expect(parse).toThrow(expect.objectContaining({ code: "config_invalid" }));
    expect(parse).toThrow(`"${entry}"`);
    expect(parse).toThrow(example);
  });

  test.each(["", " , "])("refuses the empty list %j", (list) => {
    expect(() => parseAllowedHosts(list)).toThrow("is empty. Example: *.myqcloud.com");
  });

  test("has a usable default", () => {
    const allowed = parseAllowedHosts(DEFAULT_ALLOWED_HOSTS);
    expect(allowsName(allowed, "1500005830.vod2.myqcloud.com", 443)).toBe(true);
    expect(allowed.addresses).toEqual([]);
  });

  test("a pattern stands for subdomains of any depth, not for the apex or a name that ends alike", () => {
    const allowed = parseAllowedHosts("*.Example.COM");
    expect(allowsName(allowed, "a.example.com", 80)).toBe(true);
    expect(allowsName(allowed, "a.b.c.example.com", 443)).toBe(true);
    expect(allowsName(allowed, "example.com", 80)).toBe(false);
    expect(allowsName(allowed, "badexample.com", 80)).toBe(false);
    expect(allowsName(allowed, "example.com.evil.test", 80)).toBe(false);
  });

  test("a name opens ports 80 and 443, or exactly its own", () => {
    const allowed = parseAllowedHosts("a.example, b.example:8080");
    expect([80, 443, 8080, 22].map((port) => allowsName(allowed, "a.example", port))).toEqual([
      true,
      true,
      false,
      false,
    ]);
    expect([80, 443, 8080].map((port) => allowsName(allowed, "b.example", port))).toEqual([
      false,
      false,
      true,
    ]);
  });

  test("names in other scripts are compared in their ASCII form", () => {
    expect(allowsName(parseAllowedHosts("bücher.example"), "xn--bcher-kva.example", 80)).toBe(true);
  });

  test("addresses and blocks open every port, or exactly their own", () => {
    const allowed = parseAllowedHosts(
      "127.0.0.1:9000, 10.0.0.0/8, ::1, [fd00::/8]:8443, 192.0.2.0/24:81",
    );
    expect(coversAddress(allowed, "127.0.0.1", 9000)).toBe(true);
    expect(coversAddress(allowed, "127.0.0.1", 9001)).toBe(false);
    expect(coversAddress(allowed, "::ffff:127.0.0.1", 9000)).toBe(true);
    expect(coversAddress(allowed, "10.255.1.1", 5)).toBe(true);
    expect(coversAddress(allowed, "11.0.0.1", 80)).toBe(false);
    expect(coversAddress(allowed, "::1", 1)).toBe(true);
    expect(coversAddress(allowed, "fd12::7", 8443)).toBe(true);
    expect(coversAddress(allowed, "fd12::7", 443)).toBe(false);
    expect(coversAddress(allowed, "192.0.2.9", 81)).toBe(true);
    expect(coversAddress(allowed, "fe80::1%lo", 1)).toBe(false);
    expect(coversAddress(allowed, "no address", 1)).toBe(false);
  });

  test("a metadata address takes an entry of exactly this address", () => {
    for (const wide of ["0.0.0.0/0", "169.254.0.0/16", "168.63.129.0/24", "::/0"]) {
      const allowed = parseAllowedHosts(wide);
      expect(coversAddress(allowed, "169.254.169.254", 80)).toBe(false);
      expect(allowsResolvedAddress(allowed, "168.63.129.16", 80)).toBe(false);
      expect(coversAddress(allowed, "fd00:ec2::254", 80)).toBe(false);
    }
    expect(coversAddress(parseAllowedHosts("169.254.169.254"), "169.254.169.254", 80)).toBe(true);
  });
});

describe("the address behind an allowed name", () => {
  const none = parseAllowedHosts("a.example");
  test.each(["93.184.215.14", "1.1.1.1", "2606:2800:21f::1", "2a00:1450::1", "::ffff:8.8.8.8"])(
    "%s is public",
    (address) => {
      expect(allowsResolvedAddress(none, address, 443)).toBe(true);
    },
  );
  test.each([
    "0.0.0.0",
    "0.1.2.3",
    "10.1.1.1",
    "100.64.0.1",
    "100.127.255.255",
    "127.0.0.1",
    "169.254.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.0.0.1",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.1.1",
    "198.18.0.1",
    "198.51.100.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "168.63.129.16",
    "::",
    "::1",
    "::7f00:1",
    "::ffff:10.0.0.1",
    "::ffff:0:7f00:1",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:db8::1",
    "2002:808:808::1",
    "3fff::1",
    "4000::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fec0::1",
    "ff02::1",
    "",
    "localhost",
    "2001:4860::1%eth0",
  ])("%j is not", (address) => {
    expect(allowsResolvedAddress(none, address, 443)).toBe(false);
  });
});
