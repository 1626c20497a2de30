import { isIPv4 } from "node:net";

/**
 * What counts as one client: an IPv4 address, or the /64 of an IPv6 address, since whoever has one address of a /64 has
 * all of them. What has no colon is given back as it is.
 */
export function addressNetwork(address: string): string {
  const mapped = /^::ffff:([\d.]+)$/iu.exec(address)?.[1];
  if (mapped !== undefined && isIPv4(mapped)) return mapped;
  if (!address.includes(":")) return address;
  const [head = "", tail = ""] = address.split("%", 1)[0]?.toLowerCase().split("::", 2) ?? [];
  const groups = head === "" ? [] : head.split(":");
  if (address.includes("::")) {
    const after = tail === "" ? [] : tail.split(":");
    while (groups.length + after.length < 8) groups.push("0");
    groups.push(...after);
  }
  return groups
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/u, ""))
    .join(":");
}
