import express from "express";
import type { ErrorRequestHandler, Express, RequestHandler } from "express";
import type { Registry } from "prom-client";
import { ERRORS } from "@reelgate/shared/errors";
import type { ErrorDefinition } from "@reelgate/shared/errors";
import type { Logger } from "@reelgate/shared/logger";
import { aboutRoutes } from "./api/about-routes.ts";
import type { ApiRoute } from "./api/api-route.ts";
import { apiRouter } from "./api/api-router.ts";
import { callbacksRoutes } from "./api/callbacks-routes.ts";
import { withDescription } from "./api/openapi-route.ts";
import { playerRoutes } from "./api/player-routes.ts";
import { recordingsRoutes } from "./api/recordings-routes.ts";
import { retryRoutes } from "./api/retry-routes.ts";
import { statsRoutes } from "./api/stats-routes.ts";
import { passwordGate } from "./auth.ts";
import type { Credentials } from "./auth.ts";
import { sameOriginGate } from "./cross-origin.ts";
import { answerError, errorAnswerOf } from "./error-answer.ts";
import type { GuessThrottle } from "./guess-throttle.ts";
import { createKnownClients } from "./known-clients.ts";
import type { BulkMediaQueue } from "@reelgate/shared/contract/jobs";
import type { About } from "@reelgate/shared/contract/overview";
import type { ProviderHosts } from "./player/provider-hosts.ts";
import type { CopyServer } from "./player/serve-copy.ts";
import type { Catalogue, QueueCounter, QueueReader } from "./ports.ts";
import { createRequestMetrics, labelRoute, routeOf } from "./request-metrics.ts";
import { targetGate } from "./request-target.ts";
import { securityHeaders } from "./security-headers.ts";
import { createPages } from "./web/pages.ts";

/** Where Bull Board lives. */
export const BOARD_PATH = "/queues";

export interface DashboardAppOptions {
  catalogue: Catalogue;
  queueCounter: QueueCounter;
  queueReader: QueueReader;
  mediaQueue: BulkMediaQueue;
  about: About;
  serveCopy: CopyServer;
  /** Null: the pages do not play from the provider. */
  providerHosts: ProviderHosts | null;
  /** Where the build of the web pages puts them. */
  pagesFolder: string;
  /** Bull Board, made for {@link BOARD_PATH}. */
  board: RequestHandler;
  credentials: Credentials;
  throttle: GuessThrottle;
  /** Reverse proxies in front that set X-Forwarded-For. */
  trustProxyHops: number;
  registry: Registry;
  logger: Logger;
}

/**
 * The dashboard as one Express app. The order is the policy: headers on every answer, then the password, then the
 * origin, and only then anything that reads or does something. It is served through `withReadableTarget`.
 */
export function createDashboardApp(options: DashboardAppOptions): Express {
  const { logger } = options;
  const metrics = createRequestMetrics(options.registry);
  const pages = createPages({ folder: options.pagesFolder, notPages: ["/api", BOARD_PATH] });
  const app = express();
  app.disable("x-powered-by");
  app.disable("etag");
  app.set("case sensitive routing", true);
  app.set("trust proxy", options.trustProxyHops);
  // Each operation reads its own query, strictly.
  app.set("query parser", false);

  app.use(metrics.observe);
  app.use(
    securityHeaders({
      boardPath: BOARD_PATH,
      providerSources: options.providerHosts?.sources ?? [],
      styleHash: pages.styleHash,
    }),
  );
  app.use(targetGate());
  app.use(
    passwordGate({
      credentials: options.credentials,
      throttle: options.throttle,
      knownClients: createKnownClients(),
      onRefused: ({ address, reason }) => {
        metrics.countRefusedAttempt(reason);
        // Throttled attempts come as fast as somebody sends them: they are counted, but fill no disk.
        if (reason === "wrong") logger.warn({ address }, "a login was refused");
      },
    }),
  );
  app.use(sameOriginGate());

  app.use(apiRouter(withDescription(apiRoutes(options), options.about.version)));
  app.use(BOARD_PATH, labelRoute(BOARD_PATH), options.board);
  app.use(pages.router);
  app.use((_request, response) => answerError(response, "not_found"));
  app.use(errorHandler(logger));
  return app;
}

/** Every operation of the API but the one that describes them. */
function apiRoutes(options: DashboardAppOptions): ApiRoute[] {
  const { catalogue, queueCounter, queueReader, mediaQueue, logger } = options;
  return [
    // Before the recordings, one of which could be called "retry" as far as a path shows.
    ...retryRoutes({
      catalogue,
      mediaQueue,
      onRetry: (jobs) => {
        for (const job of jobs) logger.info({ ...job }, "a recording is retried");
      },
      onEnqueueFailed: (jobs, error) =>
        logger.warn(
          { recordings: jobs.map(({ recordingId }) => recordingId), err: error },
          "retries were not queued; the worker's sweep will",
        ),
    }),
    ...recordingsRoutes({ catalogue }),
    ...callbacksRoutes({ catalogue }),
    ...statsRoutes({
      catalogue,
      queueCounter,
      queueReader,
      onQueuesUnavailable: (error) => logger.warn({ err: error }, "the queues cannot be counted"),
    }),
    ...playerRoutes({
      catalogue,
      serveCopy: options.serveCopy,
      providerHosts: options.providerHosts,
    }),
    ...aboutRoutes({ about: options.about }),
  ];
}

function errorHandler(logger: Logger): ErrorRequestHandler {
  return (error: unknown, request, response, next) => {
    const { code, message } = errorAnswerOf(error);
    const definition: ErrorDefinition = ERRORS[code];
    if ((definition.status ?? 500) >= 500) {
      logger.error(
        { err: error, route: routeOf(response), method: request.method },
        "a request failed",
      );
    }
    // Half an answer cannot be taken back: Express' own handler cuts the connection, which says so.
    if (response.headersSent) next(error);
    else answerError(response, code, message);
  };
}
