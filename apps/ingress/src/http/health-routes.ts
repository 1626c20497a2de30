import { Router } from "express";
import type { Response } from "express";
import type { Readiness } from "@reelgate/shared/ops-server";
import { sendAnswer } from "./answer.ts";

/**
 * `GET /healthz` (alive) and `GET /readyz` (can take a callback now) for load balancers. Why it is not ready is told on
 * the private port alone.
 */
export function healthRoutes(readiness: () => Readiness): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const methodNotAllowed = (_request: unknown, response: Response): void => {
    sendAnswer(response, "method_not_allowed", { allow: "GET, HEAD" });
  };
  router
    .route("/healthz")
    .get((_request, response) => {
      response.json({ alive: true });
    })
    .all(methodNotAllowed);
  router
    .route("/readyz")
    .get((_request, response) => {
      const { ready } = readiness();
      response.status(ready ? 200 : 503).json({ ready });
    })
    .all(methodNotAllowed);
  return router;
}
