import { isIPv4, isIPv6 } from "node:net";
import { domainToASCII } from "node:url";
import ipaddr from "ipaddr.js";
import { AppError } from "@reelgate/shared/errors";

/** The bucket and CDN hosts under which the provider publishes recordings. */
export const DEFAULT_ALLOWED_HOSTS = "*.myqcloud.com";

/** A host name that may be contacted, on public addresses only. */
export interface NameEntry {
  /** Lower-case ASCII (punycode) name. For a pattern: the part after `*.`. */
  name: string;
  /** True: every subdomain of any depth, but not the name itself. */
  subdomains: boolean;
  /** The only port, or null for 80 and 443. */
  port: number | null;
}

/** A block of addresses that may be contacted, private or not. */
export interface AddressEntry {
  network: ipaddr.IPv4 | ipaddr.IPv6;
  prefixLength: number;
  /** The only port, or null for every port. */
  port: number | null;
}

/** The operator's list of places that media may be fetched from. Everything else is forbidden. */
export interface AllowedHosts {
  names: readonly NameEntry[];
  addresses: readonly AddressEntry[];
}

const MAX_ENTRIES = 1000;
const LABEL = /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/;

/**
 * Parses a comma-separated list of host names (`media.example.com`), patterns (`*.myqcloud.com`: subdomains of any
 * depth, not the apex), addresses (`127.0.0.1`, `[::1]`) and CIDR blocks (`10.0.0.0/8`, `[fd00::/8]`), each with an
 * optional `:port` (an IPv6 entry with a port stands in brackets).
 *
 * @throws AppError `config_invalid` that names the unusable entry and shows a usable one.
 */
export function parseAllowedHosts(list: string): AllowedHosts {
  const entries = list
    .split(",")
    .map((entry) => entry.trim())
    .filter((entry) => entry !== "");
  if (entries.length === 0) {
    throw invalid("The list of allowed hosts is empty.", DEFAULT_ALLOWED_HOSTS);
  }
  if (entries.length > MAX_ENTRIES) {
    throw invalid(`The list of allowed hosts has more than ${MAX_ENTRIES} entries.`, "10.0.0.0/8");
  }
  const names: NameEntry[] = [];
  const addresses: AddressEntry[] = [];
  for (const entry of entries) {
    const { host, port } = splitPort(entry);
    const address = parseAddressBlock(entry, host, port);
    if (address === null) {
      names.push(parseName(entry, host, port));
    } else {
      addresses.push(address);
    }
  }
  return { names, addresses };
}

function splitPort(entry: string): { host: string; port: number | null } {
  if (entry.includes("://")) {
    throw unusable(entry, "write the host without a scheme", "media.example.com");
  }
  if (entry.startsWith("[")) {
    const match = /^\[([^[\]]+)\](?::(\d+))?$/.exec(entry);
    const host = match?.[1];
    if (host === undefined || !host.includes(":")) {
      throw unusable(entry, "brackets hold one IPv6 address or block", "[::1]:8080");
    }
    return { host, port: parsePort(entry, match?.[2]) };
  }
  // More than one colon is an IPv6 address without a port.
  const parts = entry.split(":");
  if (parts.length === 2) {
    return { host: parts[0] ?? "", port: parsePort(entry, parts[1] ?? "") };
  }
  return { host: entry, port: null };
}

function parsePort(entry: string, text: string | undefined): number | null {
  if (text === undefined) {
    return null;
  }
  const port = /^[1-9]\d{0,4}$/.test(text) ? Number(text) : Number.NaN;
  if (!(port <= 65_535)) {
    throw unusable(entry, "the port is not a number from 1 to 65535", "media.example.com:8080");
  }
  return port;
}

function parseAddressBlock(entry: string, host: string, port: number | null): AddressEntry | null {
  const slash = host.indexOf("/");
  const address = slash === -1 ? host : host.slice(0, slash);
  const v4 = isIPv4(address);
  if (!v4 && !isIPv6(address)) {
    if (slash !== -1) {
      throw unusable(entry, "this is not a CIDR block", "10.0.0.0/8");
    }
    return null;
  }
  if (address.includes("%")) {
    throw unusable(entry, "an address here has no zone", "fe80::1");
  }
  const network = ipaddr.parse(address);
  if (network instanceof ipaddr.IPv6 && network.isIPv4MappedAddress()) {
    throw unusable(entry, "write the IPv4 address itself", network.toIPv4Address().toString());
  }
  const bits = v4 ? 32 : 128;
  if (slash === -1) {
    return { network, prefixLength: bits, port };
  }
  const prefixText = host.slice(slash + 1);
  const prefixLength = /^\d{1,3}$/.test(prefixText) ? Number(prefixText) : Number.NaN;
  if (!(prefixLength <= bits)) {
    throw unusable(entry, `the prefix length is not a number from 0 to ${bits}`, "10.0.0.0/8");
  }
  const start =
    network instanceof ipaddr.IPv4
      ? ipaddr.IPv4.networkAddressFromCIDR(host)
      : ipaddr.IPv6.networkAddressFromCIDR(host);
  if (start.toString() !== network.toString()) {
    throw unusable(
      entry,
      "the address is not the first of its block",
      `${start.toString()}/${prefixLength}`,
    );
  }
  return { network, prefixLength, port };
}

function parseName(entry: string, host: string, port: number | null): NameEntry {
  const subdomains = host.startsWith("*.");
  const name = domainToASCII(subdomains ? host.slice(2) : host).toLowerCase();
  const labels = name.split(".");
  const last = labels.at(-1) ?? "";
  if (name === "" || name.length > 253 || !labels.every((label) => LABEL.test(label))) {
    throw unusable(
      entry,
      "this is no host name, pattern, IP address or CIDR block",
      "*.myqcloud.com, media.example.com:8080, 10.0.0.0/8",
    );
  }
  // URL parsers read a host whose last label is a number as an IPv4 address (WHATWG URL, "ends in a number").
  if (/^(?:\d+|0x[0-9a-f]*)$/.test(last)) {
    throw unusable(entry, "an IPv4 address has four decimal parts", "127.0.0.1");
  }
  return { name, subdomains, port };
}

function unusable(entry: string, problem: string, example: string): AppError {
  return invalid(`The allowed host "${entry.slice(0, 100)}" is not usable: ${problem}.`, example);
}

function invalid(problem: string, example: string): AppError {
  return new AppError("config_invalid", { message: `${problem} Example: ${example}` });
}
