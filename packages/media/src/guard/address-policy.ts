import ipaddr from "ipaddr.js";
import type { AddressEntry, AllowedHosts } from "./allowed-hosts.ts";

/**
 * Cloud metadata services. Some have public-looking addresses, and a block that an operator lists for other reasons
 * (`0.0.0.0/0`, `169.254.0.0/16`) must not open them: only an entry of exactly this address does.
 * Sources: Azure 168.63.129.16 and 169.254.169.254, Alibaba 100.100.100.200, Oracle 192.0.0.192, AWS ECS 169.254.170.2
 * and IPv6 fd00:ec2::254, Tencent 169.254.0.23 (metadata.tencentyun.com), Google fd20:ce::254.
 */
const METADATA_ADDRESSES: ReadonlySet<string> = new Set([
  "168.63.129.16",
  "169.254.169.254",
  "169.254.170.2",
  "169.254.170.23",
  "169.254.0.23",
  "100.100.100.200",
  "192.0.0.192",
  "fd00:ec2::254",
  "fd00:ec2::23",
  "fd20:ce::254",
]);

const GLOBAL_UNICAST_V6 = ipaddr.IPv6.parse("2000::");
const NAME_PORTS: ReadonlySet<number> = new Set([80, 443]);

/** True when the list has a host name or pattern for `host` that opens `port`. `host` is a lower-case ASCII name. */
export function allowsName(allowed: AllowedHosts, host: string, port: number): boolean {
  return allowed.names.some((entry) => {
    const named = entry.subdomains ? host.endsWith(`.${entry.name}`) : host === entry.name;
    return named && (entry.port === null ? NAME_PORTS.has(port) : entry.port === port);
  });
}

/**
 * True when an IP or CIDR entry covers the address and port: the only way to an address that a URL names literally,
 * and to a private one. `address` is any textual form; an IPv4 address inside IPv6 (`::ffff:a.b.c.d`) counts as IPv4.
 */
export function coversAddress(allowed: AllowedHosts, address: string, port: number): boolean {
  const parsed = parseAddress(address);
  return parsed !== null && covers(allowed.addresses, parsed, port);
}

/**
 * True when a name that the list allows on `port` may stand for this address: it is public, or an IP or CIDR entry
 * covers it.
 */
export function allowsResolvedAddress(
  allowed: AllowedHosts,
  address: string,
  port: number,
): boolean {
  const parsed = parseAddress(address);
  return parsed !== null && (isPublic(parsed) || covers(allowed.addresses, parsed, port));
}

function parseAddress(address: string): ipaddr.IPv4 | ipaddr.IPv6 | null {
  try {
    const parsed = ipaddr.process(address);
    // A zone ties the address to an interface of this machine: never public, never listed.
    return parsed instanceof ipaddr.IPv6 && parsed.zoneId !== undefined ? null : parsed;
  } catch {
    return null;
  }
}

function covers(
  entries: readonly AddressEntry[],
  address: ipaddr.IPv4 | ipaddr.IPv6,
  port: number,
): boolean {
  const metadata = METADATA_ADDRESSES.has(address.toString());
  return entries.some((entry) => {
    const { network, prefixLength } = entry;
    if (entry.port !== null && entry.port !== port) {
      return false;
    }
    if (address instanceof ipaddr.IPv4) {
      return (
        network instanceof ipaddr.IPv4 &&
        address.match(network, prefixLength) &&
        (!metadata || prefixLength === 32)
      );
    }
    return (
      network instanceof ipaddr.IPv6 &&
      address.match(network, prefixLength) &&
      (!metadata || prefixLength === 128)
    );
  });
}

function isPublic(address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  if (address.range() !== "unicast" || METADATA_ADDRESSES.has(address.toString())) {
    return false;
  }
  // ipaddr.js calls everything that it has no special range for unicast; only 2000::/3 is allocated (RFC 4291, IANA).
  // Outside it lie v4-compatible addresses (::7f00:1) and prefixes that a NAT64 of the network may translate.
  return address instanceof ipaddr.IPv4 || address.match(GLOBAL_UNICAST_V6, 3);
}
