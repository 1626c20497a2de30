import { lastingPort } from "@reelgate/launcher/servers/tcp-port";
import { startHalfOpenProxy } from "@reelgate/testkit/half-open-proxy";
import type { HalfOpenProxy } from "@reelgate/testkit/half-open-proxy";

/** A proxy between each app and the server on a port; they are disposed with what was opened. */
export async function startAppProxies(
  opened: AsyncDisposableStack,
  apps: readonly string[],
  port: number,
): Promise<Map<string, HalfOpenProxy>> {
  const proxies = new Map<string, HalfOpenProxy>();
  for (const app of apps)
    proxies.set(app, opened.use(await startHalfOpenProxy(port, await lastingPort())));
  return proxies;
}
