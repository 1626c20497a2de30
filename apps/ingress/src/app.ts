import type { RequestListener } from "node:http";
import express from "express";
import type { Express } from "express";
import type { Readiness } from "@reelgate/shared/ops-server";
import { callbackRoute } from "./http/callback-route.ts";
import type { CallbackRouteOptions } from "./http/callback-route.ts";
import { errorHandler, notFound } from "./http/error-handler.ts";
import { healthRoutes } from "./http/health-routes.ts";

export interface AppOptions extends CallbackRouteOptions {
  readiness: () => Readiness;
}

export interface App {
  /** All routes. */
  express: Express;
  /** For the server: callbacks first, everything else through Express. */
  listener: RequestListener;
}

/** The public surface of the ingress, without a socket. */
export function createApp(options: AppOptions): App {
  const app = express();
  const callbacks = callbackRoute(options);
  app.disable("x-powered-by");
  app.disable("etag");
  // Queries mean nothing here, whatever they hold.
  app.set("query parser", false);
  app.use(callbacks.router);
  app.use(healthRoutes(options.readiness));
  app.use(notFound);
  app.use(errorHandler(options.telemetry));
  return {
    express: app,
    listener: (request, response) => {
      if (!callbacks.takes(request, response)) app(request, response);
    },
  };
}
