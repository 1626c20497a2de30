import type { RequestHandler, Response } from "express";
import { Counter, Histogram } from "prom-client";
import type { Registry } from "prom-client";

const METHODS: ReadonlySet<string> = new Set([
  "GET",
  "HEAD",
  "POST",
  "PUT",
  "PATCH",
  "DELETE",
  "OPTIONS",
]);

/** Paths that no route claimed: scanners make up any number of them. */
const UNKNOWN_ROUTE = "other";

export interface RequestMetrics {
  /** Counts and times every request; first in the chain. */
  observe: RequestHandler;
  /** Counts a wrong or throttled attempt at the password. */
  countRefusedAttempt(reason: "wrong" | "throttled"): void;
}

/** Labels come from fixed sets: routes as they are declared, known methods, statuses. */
export function createRequestMetrics(registry: Registry): RequestMetrics {
  const requests = new Counter({
    name: "reelgate_dashboard_http_requests_total",
    help: "Requests to the dashboard by route, method and status.",
    labelNames: ["route", "method", "status"] as const,
    registers: [registry],
  });
  const duration = new Histogram({
    name: "reelgate_dashboard_http_request_duration_seconds",
    help: "Time from a request's arrival at the dashboard to the end of its answer, by route.",
    labelNames: ["route"] as const,
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10],
    registers: [registry],
  });
  const refused = new Counter({
    name: "reelgate_dashboard_refused_logins_total",
    help: "Attempts with a wrong password, and attempts that were not looked at because their address has to wait.",
    labelNames: ["reason"] as const,
    registers: [registry],
  });
  return {
    observe: (request, response, next) => {
      const method = METHODS.has(request.method) ? request.method : "other";
      const stop = duration.startTimer();
      // "close" comes after "finish", and without it when the client left before the answer.
      response.once("close", () => {
        const route = routeOf(response);
        stop({ route });
        requests.inc({ route, method, status: response.statusCode });
      });
      next();
    },
    countRefusedAttempt: (reason) => refused.inc({ reason }),
  };
}

/** Names the route of a request for the metrics. */
export function labelRoute(route: string): RequestHandler {
  return (_request, response, next) => {
    response.locals["route"] = route;
    next();
  };
}

/** The declared route of a request, never its path. */
export function routeOf(response: Response): string {
  const route: unknown = response.locals["route"];
  return typeof route === "string" ? route : UNKNOWN_ROUTE;
}
