import express from "express";
import type { Express } from "express";
import type { Readiness } from "@reelgate/shared/ops-server";
import { callbackRoute } from "./http/callback-route.ts";
import type { CallbackRouteOptions } from "./http/callback-route.ts";
import { errorHandler, notFound } from "./http/error-handler.ts";
import { healthRoutes } from "./http/health-routes.ts";

export interface AppOptions extends CallbackRouteOptions {
  /** How many reverse proxies in front may name the client's address. */
  trustProxyHops: number;
  readiness: () => Readiness;
}

/** The public surface of the ingress, without a socket. */
export function createApp(options: AppOptions): Express {
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  // Queries mean nothing here, whatever they hold.
  app.set("query parser", false);
  app.set("trust proxy", options.trustProxyHops);
  app.use(callbackRoute(options));
  app.use(healthRoutes(options.readiness));
  app.use(notFound);
  app.use(errorHandler(options.telemetry));
  return app;
}
