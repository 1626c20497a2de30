import { Router } from "express";
import { answerError } from "../error-answer.ts";
import { labelRoute } from "../request-metrics.ts";
import type { ApiRoute } from "./api-route.ts";

/** Serves the operations; every other method is 405, in JSON. */
export function apiRouter(routes: readonly ApiRoute[]): Router {
  const router = Router({ caseSensitive: true, strict: true });
  const byPath = Map.groupBy(routes, (route) => route.path);
  for (const [path, operations] of byPath) {
    const handlers = router.route(path);
    handlers.all(labelRoute(path));
    for (const operation of operations) {
      handlers[operation.method](async (request, response) => {
        const search = new URL(request.originalUrl, "http://localhost").searchParams;
        const params = request.params as Record<string, string>;
        if (operation.kind === "raw") {
          await operation.serve(params, search, request, response);
          return;
        }
        const result = await operation.handle(params, search);
        if (result.kind === "ok") response.status(operation.status).json(result.body);
        else answerError(response, result.code, result.message);
      });
    }
    const allowed = operations.flatMap(({ method }) =>
      method === "get" ? ["GET", "HEAD"] : [method.toUpperCase()],
    );
    handlers.all((_request, response) => {
      response.set("Allow", allowed.join(", "));
      answerError(response, "method_not_allowed");
    });
  }
  return router;
}
