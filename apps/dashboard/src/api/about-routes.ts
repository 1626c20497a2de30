import { aboutSchema } from "@reelgate/shared/contract/overview";
import type { About } from "@reelgate/shared/contract/overview";
import { apiRoute, noQuery } from "./api-route.ts";
import type { ApiRoute } from "./api-route.ts";

export function aboutRoutes(options: { about: About }): ApiRoute[] {
  return [
    apiRoute({
      method: "get",
      path: "/api/about",
      operationId: "getAbout",
      summary: "What this installation offers",
      query: noQuery,
      answer: aboutSchema,
      answerName: "About",
      example: { version: "0.1.0", playsStoredCopies: true, playsProviderUrls: false },
      run: () => Promise.resolve({ kind: "ok", body: options.about }),
    }),
  ];
}
