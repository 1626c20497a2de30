import type { Express, Router } from "express";

interface Layer {
  route?: { path: string; stack: { method?: string }[] };
  handle: { stack?: Layer[] };
}

/** `GET /api/recordings/{id}` for every route under /api that an Express app has, as Express itself keeps them. */
export function apiRoutesOf(app: Express): string[] {
  const router = app.router as Router & { stack: Layer[] };
  return router.stack.flatMap(operationsOf);
}

function operationsOf({ route, handle }: Layer): string[] {
  if (route === undefined) return (handle.stack ?? []).flatMap(operationsOf);
  if (!route.path.startsWith("/api")) return [];
  const path = route.path.replaceAll(/:(\w+)/gu, "{$1}");
  // Handlers of all methods have no name of one.
  const methods = new Set(route.stack.flatMap(({ method }) => method ?? []));
  return [...methods].map((method) => `${method.toUpperCase()} ${path}`);
}
