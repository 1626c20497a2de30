/**
 * Who may import whom. Every rule has a tree of the same name under tools/boundaries/fixtures/imports/ that breaks it,
 * and tools/boundaries/test/ proves that the rule reports that tree: a rule that never fires is worse than none.
 *
 * A package is matched by its resolved path as well as by its bare name, because a name that cannot be resolved from
 * where it is written (pnpm gives a package only what it declares) must not slip through under a path of its own.
 */

/** What never runs in production: tests, measurements, and what they stand on. */
const TESTS = "\\.test\\.ts$|(^|/)(test|bench)/|^(e2e|chaos)/|^packages/testkit/";

/** A regular expression for npm packages, wherever the package manager has put them. */
const npm = (...names) => `(^|(^|/)node_modules/)(@types/)?(${names.join("|")})(/|$)`;

/** A regular expression for everything of one of the workspace's packages. */
const workspacePackage = (...names) =>
  `^packages/(${names.join("|")})/|^@reelgate/(${names.join("|")})(/|$)`;

const ANY_PACKAGE = "^packages/|^tools/|^apps/|^(e2e|bench|chaos)/|^@reelgate/";

const boundaries = [
  {
    name: "apps-never-import-apps",
    comment:
      "Ingress, worker, dashboard and command line meet in Redis and Postgres, never in one process.",
    from: { path: "^apps/([^/]+)/" },
    to: {
      path: "^apps/|^@reelgate/(ingress|worker|dashboard|cli)(/|$)",
      pathNot: "^apps/$1/",
    },
  },
  {
    name: "nobody-imports-an-app",
    comment:
      "What two need belongs to a package. Tests that compare documents with an app's config may look.",
    from: { path: "^(packages|tools)/", pathNot: "\\.test\\.ts$|(^|/)test/" },
    to: { path: "^apps/|^@reelgate/(ingress|worker|dashboard|cli)(/|$)" },
  },
  {
    name: "apps-and-packages-import-no-tool",
    comment: "Tools run the product; the product must run without them.",
    from: { path: "^(apps|packages)/", pathNot: TESTS },
    to: { path: "^tools/|^@reelgate/launcher(/|$)" },
  },
  {
    name: "packages-are-entered-by-their-exports",
    comment:
      "A relative path into another package evades its exports and breaks in the built tree.",
    from: { path: "^((apps|packages|tools)/[^/]+|e2e|chaos)/" },
    to: { path: "^(apps|packages|tools|e2e|chaos)/", pathNot: "^$1/", dependencyTypes: ["local"] },
  },
  {
    name: "shared-imports-no-package",
    comment: "shared is the bottom: every other package may stand on it.",
    from: { path: "^packages/shared/", pathNot: TESTS },
    to: { path: ANY_PACKAGE, pathNot: "^packages/shared/" },
  },
  {
    name: "contract-imports-only-zod",
    comment:
      "The contract is types and schemas: anyone, also the simulator, can take it without the rest of shared.",
    from: { path: "^packages/shared/src/contract/", pathNot: TESTS },
    to: {
      path: ".",
      pathNot: `^packages/shared/src/contract/|^(node:)?crypto$|${npm("zod")}`,
    },
  },
  {
    name: "catalogue-imports-only-shared",
    comment: "The catalogue is Postgres and nothing else.",
    from: { path: "^packages/catalogue/", pathNot: TESTS },
    to: { path: ANY_PACKAGE, pathNot: "^packages/(catalogue|shared)/" },
  },
  {
    name: "media-imports-only-errors-contract-progress-and-redaction",
    comment: "Probing a URL needs no queue and no database: the package is usable on its own.",
    from: { path: "^packages/media/", pathNot: TESTS },
    to: {
      path: ANY_PACKAGE,
      pathNot: "^packages/media/|^packages/shared/src/((errors|progress|redact)\\.ts$|contract/)",
    },
  },
  {
    name: "simulator-imports-only-the-contract",
    comment:
      "The simulator signs by its own code and is the oracle of the ingress's verification: shared code would share its bugs.",
    from: { path: "^packages/simulator/", pathNot: TESTS },
    to: {
      path: ANY_PACKAGE,
      pathNot:
        "^packages/simulator/|^packages/shared/src/((errors|env|local-run|progress)\\.ts$|contract/)",
    },
  },
  {
    name: "simulator-tests-know-no-app-and-no-media",
    comment: "An oracle that is tested against the code it judges proves nothing.",
    from: { path: "^packages/simulator/" },
    to: {
      path: `^apps/|^@reelgate/(ingress|worker|dashboard|cli)(/|$)|${workspacePackage("media")}`,
    },
  },
  {
    name: "bullmq-only-in-adapters-and-board",
    comment: "The queue is behind ports: everything else is tested without Redis.",
    from: { pathNot: `(^|/)src/adapters/|^apps/dashboard/src/board\\.ts$|${TESTS}` },
    to: { path: npm("bullmq") },
  },
  {
    name: "bull-board-only-in-board",
    comment: "The page of queues is one file of the dashboard.",
    from: { pathNot: `^apps/dashboard/src/board\\.ts$|${TESTS}` },
    to: { path: npm("@bull-board") },
  },
  {
    name: "ioredis-only-in-shared-redis",
    comment: "One factory sets the timeouts and error handling that every connection needs.",
    from: { pathNot: `^packages/shared/src/redis\\.ts$|${TESTS}` },
    to: { path: npm("ioredis") },
  },
  {
    name: "opentelemetry-only-in-tracing",
    comment: "It is loaded when traces are wanted, and by nobody else: see start-tracing.ts.",
    from: {
      pathNot: `^packages/shared/src/(tracing/otlp-tracing|adapters/bullmq-telemetry)\\.ts$|${TESTS}`,
    },
    to: { path: npm("@opentelemetry", "bullmq-otel") },
  },
  {
    name: "postgres-only-in-catalogue",
    comment: "The catalogue is the only place that talks to Postgres.",
    from: { pathNot: "^packages/catalogue/" },
    to: { path: npm("pg", "pg-[a-z-]+", "kysely") },
  },
  {
    name: "express-only-at-the-http-edge",
    comment: "What a request means is decided in plain functions behind the edge.",
    from: {
      pathNot: `^apps/[^/]+/src/(app\\.ts$|auth\\.ts$|board\\.ts$|http/|api/|web/)|^apps/dashboard/src/|${TESTS}`,
    },
    to: { path: npm("express", "express-serve-static-core") },
  },
  {
    name: "web-imports-only-the-contract",
    comment:
      "What is in web/ runs in browsers: it knows the API by its contract alone, and nothing of the server or of Node.",
    from: { path: "^apps/dashboard/web/src/", pathNot: TESTS },
    to: {
      path: `${ANY_PACKAGE}|^(node:)?(fs|path|os|crypto|buffer|process|url|util|stream|http|net)(/|$)`,
      pathNot: "^apps/dashboard/web/src/|^packages/shared/src/contract/",
    },
  },
  {
    name: "nobody-imports-web",
    comment: "The pages are built for browsers, and served as files.",
    from: { pathNot: "^apps/dashboard/web/" },
    to: { path: "^apps/dashboard/web/" },
  },
  {
    name: "core-imports-no-framework",
    comment: "ingest/, handlers/ and commands/ are plain functions over ports.",
    from: { path: "(^|/)src/(ingest|handlers|commands)/", pathNot: TESTS },
    to: {
      path: npm(
        "express",
        "express-serve-static-core",
        "bullmq",
        "ioredis",
        "pino",
        "pg",
        "kysely",
        "undici",
        "prom-client",
      ),
    },
  },
  {
    name: "core-imports-no-edge",
    comment:
      "ingest/, handlers/ and commands/ know their ports, not who implements them or who calls.",
    from: { path: "(^|/)src/(ingest|handlers|commands)/", pathNot: TESTS },
    to: {
      path: "(^|/)src/(adapters|http)/|(^|/)src/(compose|main|app|config)\\.ts$|^packages/shared/src/redis\\.ts$",
    },
  },
  {
    name: "adapters-only-from-compose",
    comment: "compose.ts alone chooses the adapters; everyone else gets them as arguments.",
    from: { pathNot: `^apps/[^/]+/src/compose\\.ts$|(^|/)src/adapters/|${TESTS}` },
    to: { path: "(^|/)src/adapters/" },
  },
  {
    name: "compose-only-from-main",
    comment: "A service is put together once, by its main.ts; tests may put it together too.",
    from: { pathNot: `(^|/)src/main\\.ts$|${TESTS}` },
    to: { path: "(^|/)src/compose\\.ts$" },
  },
  {
    name: "nobody-imports-main",
    comment: "main.ts starts a process when it is loaded.",
    from: {},
    to: { path: "^(apps|packages|tools)/[^/]+/src/main\\.ts$" },
  },
  {
    name: "production-imports-no-testkit",
    comment: "The testkit starts servers and breaks things.",
    from: { pathNot: `${TESTS}|^[^/]+\\.config\\.ts$` },
    to: { path: workspacePackage("testkit") },
  },
  {
    name: "production-imports-no-test-tool",
    comment: "Test tools are not installed in production.",
    from: { pathNot: `${TESTS}|^[^/]+\\.config\\.ts$` },
    to: { path: npm("vitest", "fast-check") },
  },
  {
    name: "nobody-imports-tests",
    comment: "What several tests need belongs to packages/testkit.",
    from: {},
    to: { path: "\\.test\\.ts$" },
  },
  {
    name: "production-imports-no-dev-dependency",
    comment: "A production install leaves dev dependencies out.",
    from: { path: "^(apps|packages|tools)/[^/]+/src/", pathNot: TESTS },
    to: {
      dependencyTypes: ["npm-dev", "npm-no-pkg", "npm-unknown"],
      dependencyTypesNot: ["type-only"],
      pathNot: "(^|/)node_modules/@types/|^packages/",
    },
  },
  {
    name: "no-grab-bag-files",
    comment:
      "A file is named after what it is for; a package is entered by subpaths, not by a barrel.",
    from: {},
    to: {
      path: "(^|/)(utils?|helpers?|common|misc|index)\\.ts$",
      pathNot: "(^|/)node_modules/",
    },
  },
  {
    name: "no-cycle",
    comment: "Two files that need each other are one thing, or want a third.",
    from: {},
    to: { circular: true },
  },
  {
    name: "no-dead-file",
    comment: "What no process of the product loads is not part of it, whoever tests it.",
    from: {
      path: "^((apps|packages|tools)/[^/]+|chaos)/src/(main|cli)\\.ts$|^apps/dashboard/web/src/main\\.tsx$|^tools/[^/]+/(commands/)?[^/]+\\.mjs$",
    },
    to: {
      path: "^((apps|packages|tools)/[^/]+/(web/src|src|setup)|chaos/src)/",
      pathNot: `(^|/)src/(main\\.tsx?|cli\\.ts)$|${TESTS}`,
      reachable: false,
    },
  },
  {
    name: "no-unresolvable-import",
    comment: "An import that leads nowhere is not covered by any rule above.",
    from: {},
    to: { couldNotResolve: true },
  },
];

export default {
  forbidden: boundaries.map((rule) => ({ severity: "error", ...rule })),
  options: {
    // Types count: a port that mentions a framework's type belongs to the framework.
    tsPreCompilationDeps: true,
    tsConfig: { fileName: "tsconfig.json" },
    doNotFollow: { path: "(^|/)node_modules/" },
    exclude: {
      path: "(^|/)dist/|^packages/simulator/media/|^apps/[^/]+/public/",
    },
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["source", "import", "node", "default", "types"],
      mainFields: ["module", "main", "types"],
    },
    builtInModules: { add: ["node:sqlite", "node:test"] },
  },
};
