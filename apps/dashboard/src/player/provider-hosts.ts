import { parseAllowedHosts } from "@reelgate/media/guard/allowed-hosts";
import type { AllowedHosts } from "@reelgate/media/guard/allowed-hosts";

/** The provider's hosts that the pages may play from. */
export interface ProviderHosts {
  /** In the form in which the guard of media URLs asks. */
  allowed: AllowedHosts;
  /** The same as sources of a Content-Security-Policy. */
  sources: readonly string[];
}

/**
 * Reads PLAYER_PROVIDER_HOSTS. Only what a Content-Security-Policy can say is taken: names, `*.patterns` and IPv4
 * addresses (CSP Level 3, "host-source").
 *
 * @throws Error saying what is wrong.
 */
export function parseProviderHosts(list: string): ProviderHosts {
  const allowed = parseAllowedHosts(list);
  const names = allowed.names.map(
    ({ name, subdomains, port }) => `${subdomains ? "*." : ""}${name}${portOf(port, "")}`,
  );
  const addresses = allowed.addresses.map(({ network, prefixLength, port }) => {
    if (network.kind() !== "ipv4" || prefixLength !== 32) {
      throw new Error(
        "a browser can be told names, *.patterns and IPv4 addresses, but no block of addresses and no IPv6 address",
      );
    }
    // An address without a port stands for all of its ports.
    return `${network.toString()}${portOf(port, ":*")}`;
  });
  return { allowed, sources: [...names, ...addresses] };
}

function portOf(port: number | null, otherwise: string): string {
  return port === null ? otherwise : `:${port}`;
}
