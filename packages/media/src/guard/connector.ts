import { lookup as dnsLookup } from "node:dns/promises";
import { isIP, type LookupFunction, type Socket } from "node:net";
import { buildConnector } from "undici";
import { AppError } from "@reelgate/shared/errors";
import { allowsResolvedAddress, coversAddress } from "./address-policy.ts";
import type { AllowedHosts } from "./allowed-hosts.ts";
import { hostRefusal } from "./url-guard.ts";

export interface ResolvedAddress {
  address: string;
  family: 4 | 6;
}

/** Port: every address of a host name, in the order in which they should be tried. Rejects as `node:dns` does. */
export type ResolveHost = (hostname: string) => Promise<readonly ResolvedAddress[]>;

export interface GuardedConnectorOptions {
  allowedHosts: AllowedHosts;
  /** Milliseconds for name resolution, TCP and TLS together. */
  connectTimeoutMs: number;
  resolve?: ResolveHost;
}

/**
 * The connector of the media client's Agent: no socket reaches a place that the list does not allow.
 *
 * Three checks, because each alone leaves a way around it: a literal address never goes through `lookup` (with only
 * `connect.lookup`, undici connected to 9 of 12 disguised loopback URLs); a name is judged by the very answers that
 * the socket then connects to, all of them, so an answer that changes in between gains nothing; and the peer's address
 * is looked at once more when the connection stands.
 */
export function createGuardedConnector(options: GuardedConnectorOptions): buildConnector.connector {
  const { allowedHosts, connectTimeoutMs } = options;
  const resolve = options.resolve ?? resolveBySystem;
  // `lookup` is not told the port, which the list can tell apart: one connector per port.
  const connectors = new Map<number, buildConnector.connector>();

  function connectorFor(port: number): buildConnector.connector {
    let connector = connectors.get(port);
    if (connector === undefined) {
      connector = buildConnector({
        timeout: connectTimeoutMs,
        allowH2: false,
        lookup: guardedLookup(allowedHosts, resolve, port),
      });
      connectors.set(port, connector);
    }
    return connector;
  }

  return (target, callback) => {
    const port =
      target.port === "" ? (target.protocol === "https:" ? 443 : 80) : Number(target.port);
    const refusal = hostRefusal(allowedHosts, target.hostname, port);
    if (refusal !== null) {
      callback(
        new AppError("media_url_forbidden", { message: `${target.hostname}: ${refusal}` }),
        null,
      );
      return;
    }
    connectorFor(port)(target, (...[error, socket]: ConnectResult) => {
      if (error !== null) {
        callback(error, null);
        return;
      }
      const refused = peerRefusal(allowedHosts, target.hostname, port, socket);
      if (refused === null) {
        callback(null, socket);
      } else {
        socket.destroy();
        callback(refused, null);
      }
    });
  };
}

type ConnectResult = [null, Socket] | [Error, null];

function guardedLookup(allowed: AllowedHosts, resolve: ResolveHost, port: number): LookupFunction {
  return (hostname, options, callback) => {
    resolve(hostname).then(
      (answers) => {
        const first = answers[0];
        if (first === undefined) {
          callback(
            new AppError("media_dns_failed", { message: `${hostname} has no address.` }),
            "",
          );
          return;
        }
        // One bad answer spoils the name: which of several is tried first is not ours to decide.
        const bad = answers.find(({ address }) => !allowsResolvedAddress(allowed, address, port));
        if (bad !== undefined) {
          callback(
            new AppError("media_address_forbidden", {
              message: `${hostname} resolves to ${bad.address}, which is neither public nor covered by an allowed IP or CIDR entry.`,
            }),
            "",
          );
        } else if (options.all === true) {
          callback(null, [...answers]);
        } else {
          callback(null, first.address, first.family);
        }
      },
      (error: unknown) => {
        callback(
          error instanceof AppError
            ? error
            : new AppError("media_dns_failed", {
                message: `${hostname} could not be resolved.`,
                cause: error,
              }),
          "",
        );
      },
    );
  };
}

function peerRefusal(
  allowed: AllowedHosts,
  hostname: string,
  port: number,
  socket: Socket,
): AppError | null {
  const peer = socket.remoteAddress;
  if (peer === undefined) {
    return new AppError("media_connection_failed", {
      message: `The connection to ${hostname} closed as it was made.`,
    });
  }
  const named = isIP(hostname) === 0;
  const permitted = named
    ? allowsResolvedAddress(allowed, peer, port)
    : coversAddress(allowed, peer, port);
  return permitted
    ? null
    : new AppError(named ? "media_address_forbidden" : "media_url_forbidden", {
        message: `${hostname} led to ${peer}, which is not allowed.`,
      });
}

async function resolveBySystem(hostname: string): Promise<readonly ResolvedAddress[]> {
  const answers = await dnsLookup(hostname, { all: true });
  return answers.map(({ address, family }) => ({ address, family: family === 6 ? 6 : 4 }));
}
