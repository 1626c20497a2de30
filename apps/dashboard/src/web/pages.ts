import { readFileSync } from "node:fs";
import { join } from "node:path";
import express, { Router } from "express";
import type { RequestHandler } from "express";
import { answerError } from "../error-answer.ts";
import { labelRoute } from "../request-metrics.ts";
import { INDEX_PAGE, INDEX_PAGE_STYLE_HASH } from "./index-page.ts";

export interface Pages {
  router: Router;
  /** For the content security policy, when the page has a style sheet inside. */
  styleHash: string | null;
}

export interface PagesOptions {
  /** What the build of the web pages left: `index.html` and, with hashes in their names, `assets/`. */
  folder: string;
  /** Prefixes of paths that are no pages, each without a slash at its end. */
  notPages: readonly string[];
}

const ONE_YEAR_S = 31_536_000;

/**
 * The pages: one document for every path that a person may open, which reads in it what to show. Whoever asks for JSON,
 * or names no type at all, gets a 404 for a path that is none. Without a build there is a plain page with links.
 */
export function createPages({ folder, notPages }: PagesOptions): Pages {
  const built = readIfThere(join(folder, "index.html"));
  const page = built ?? INDEX_PAGE;
  const router = Router({ caseSensitive: true, strict: true });
  const sendPage: RequestHandler = (_request, response) => {
    response.type("html").send(page);
  };

  router.use(
    "/assets",
    labelRoute("/assets"),
    express.static(join(folder, "assets"), {
      index: false,
      redirect: false,
      dotfiles: "ignore",
      setHeaders: (response) => {
        // Private: only whoever has the password may have them from a cache.
        response.setHeader("Cache-Control", `private, max-age=${ONE_YEAR_S}, immutable`);
      },
    }),
    (_request, response) => answerError(response, "not_found"),
  );
  router
    .route("/")
    .all(labelRoute("/"))
    .get(sendPage)
    .all((_request, response) => {
      response.set("Allow", "GET, HEAD");
      answerError(response, "method_not_allowed");
    });
  if (built === null) return { router, styleHash: INDEX_PAGE_STYLE_HASH };

  // Few small files beside the document, such as an icon, have no hash in their names.
  router.use(
    express.static(folder, {
      index: false,
      redirect: false,
      dotfiles: "ignore",
      cacheControl: false,
      setHeaders: (response) => {
        response.setHeader("Cache-Control", "no-store");
      },
    }),
  );
  router.use((request, response, next) => {
    const isPage =
      (request.method === "GET" || request.method === "HEAD") &&
      /\btext\/html\b/iu.test(request.headers.accept ?? "") &&
      !notPages.some((prefix) => request.path === prefix || request.path.startsWith(`${prefix}/`));
    if (!isPage) {
      next();
      return;
    }
    response.locals["route"] = "/";
    void sendPage(request, response, next);
  });
  return { router, styleHash: null };
}

function readIfThere(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return null;
    throw error;
  }
}
