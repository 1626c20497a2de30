import { z } from "zod";
import { COPY_CONTENT_TYPES } from "@reelgate/media/storage/content-type";
import { checkUrl } from "@reelgate/media/guard/url-guard";
import { AppError } from "@reelgate/shared/errors";
import { answerError } from "../error-answer.ts";
import type { ProviderHosts } from "../player/provider-hosts.ts";
import type { CopyServer } from "../player/serve-copy.ts";
import type { Catalogue } from "../ports.ts";
import { noQuery, rawRoute } from "./api-route.ts";
import type { ApiRoute, RawAnswer } from "./api-route.ts";
import { queryChoice } from "./query.ts";

export interface PlayerRoutesOptions {
  catalogue: Pick<Catalogue, "getPlayable">;
  serveCopy: CopyServer;
  /** Null: the pages do not play from the provider. */
  providerHosts: ProviderHosts | null;
}

const copyQuery = z.object({
  download: queryChoice(["0", "1"])
    .optional()
    .describe("1: to be saved as a file rather than shown."),
});

const COPY_HEADERS = ["Accept-Ranges", "ETag", "Last-Modified", "Content-Disposition"];
const COPY_ANSWERS: Readonly<Record<number, RawAnswer>> = {
  200: { description: "The whole file", headers: COPY_HEADERS, contentTypes: COPY_CONTENT_TYPES },
  206: {
    description: "The bytes that `Range` names",
    headers: [...COPY_HEADERS, "Content-Range"],
    contentTypes: COPY_CONTENT_TYPES,
  },
  304: { description: "The client has this version", headers: ["ETag"], contentTypes: [] },
};

/** What a player fetches: the stored copy through the dashboard, or the provider's own URL by a redirect. */
export function playerRoutes(options: PlayerRoutesOptions): ApiRoute[] {
  const { catalogue, serveCopy, providerHosts } = options;
  const copyRoute = (
    path: ApiRoute["path"],
    operationId: string,
    summary: string,
    answers: Readonly<Record<number, RawAnswer>>,
  ): ApiRoute =>
    rawRoute({
      path,
      operationId,
      summary,
      query: copyQuery,
      answers,
      errors: [
        "recording_not_found",
        "copy_not_found",
        "copy_unavailable",
        "precondition_failed",
        "range_not_satisfiable",
      ],
      serve: async ({ download }, params, request, response) => {
        const playable = await catalogue.getPlayable(params["id"] ?? "");
        if (playable === null) answerError(response, "recording_not_found");
        else if (playable.storedUrl === null) answerError(response, "copy_not_found");
        else {
          await serveCopy(request, response, {
            storedUrl: playable.storedUrl,
            file: params["file"] ?? null,
            isDownload: download === "1",
          });
        }
      },
    });
  return [
    copyRoute(
      "/api/recordings/:id/copy",
      "getCopy",
      "The stored copy, whole or the range asked for",
      {
        ...COPY_ANSWERS,
        302: {
          description: "An HLS copy: its playlist",
          headers: ["Location"],
          contentTypes: [],
        },
      },
    ),
    copyRoute(
      "/api/recordings/:id/copy/:file",
      "getCopyFile",
      "A file of a stored HLS copy: the playlist `index.m3u8`, a segment, an init section or a key",
      COPY_ANSWERS,
    ),
    rawRoute({
      path: "/api/recordings/:id/source",
      operationId: "getSource",
      summary:
        "Redirects to the provider's URL of the recording, signature and all, where PLAYER_PROVIDER_HOSTS allows it",
      query: noQuery,
      answers: {
        302: { description: "The provider's URL", headers: ["Location"], contentTypes: [] },
      },
      errors: ["recording_not_found", "source_not_allowed"],
      serve: async (_query, params, _request, response) => {
        if (providerHosts === null) {
          answerError(response, "source_not_allowed");
          return;
        }
        const playable = await catalogue.getPlayable(params["id"] ?? "");
        if (playable === null) {
          answerError(response, "recording_not_found");
          return;
        }
        const url = allowedUrl(providerHosts, playable.videoUrl);
        if (url === null) {
          answerError(
            response,
            "source_not_allowed",
            "The recording's URL is none of PLAYER_PROVIDER_HOSTS.",
          );
          return;
        }
        // Not `redirect`, which repeats the URL in a body.
        response.status(302).set("Location", url.href).end();
      },
    }),
  ];
}

function allowedUrl(hosts: ProviderHosts, videoUrl: string): URL | null {
  try {
    return checkUrl(hosts.allowed, videoUrl);
  } catch (error) {
    if (error instanceof AppError) return null;
    throw error;
  }
}
