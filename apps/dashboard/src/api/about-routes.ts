import { aboutSchema } from "@reelgate/shared/contract/overview";
import type { About } from "@reelgate/shared/contract/overview";
import { apiRoute, noQuery } from "./api-route.ts";
import type { ApiRoute } from "./api-route.ts";

export function aboutRoutes(options: { about: About }): ApiRoute[] {
  return [
    apiRoute({
      method: "get",
      path: "/api/about",
      summary: "What this installation offers",
      query: noQuery,
      answer: aboutSchema,
      run: () => Promise.resolve({ kind: "ok", body: options.about }),
    }),
  ];
}
