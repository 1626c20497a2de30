import { defineConfig, defaultClientConditions } from "vite";
import type { Plugin, UserConfig } from "vite";

/**
 * Nothing is painted before the script has run, which sets the colours that the reader chose: otherwise a page that is
 * to be dark would flash white. The body is empty until then in any case.
 */
const blockRendering: Plugin = {
  name: "reelgate-block-rendering",
  enforce: "post",
  transformIndexHtml: (html) =>
    html.replace('<script type="module"', '<script type="module" blocking="render"'),
};

const config: UserConfig = defineConfig({
  root: import.meta.dirname,
  base: "/",
  publicDir: false,
  // The contract is taken from its source, as in the tests.
  resolve: { conditions: ["source", ...defaultClientConditions] },
  plugins: [blockRendering],
  build: {
    outDir: "../public",
    emptyOutDir: true,
    target: "es2022",
    // A data: URL would need more of the content security policy than 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    // The players, each a file of its own that is fetched when a recording is played.
    chunkSizeWarningLimit: 700,
    rolldownOptions: {
      onLog: (level, log, handler) => {
        // "use client" is for servers that render React.
        if (log.code !== "MODULE_LEVEL_DIRECTIVE") handler(level, log);
      },
    },
  },
  server: {
    // `vite apps/dashboard/web`: the pages from source, the API from a dashboard on its usual port.
    proxy: { "/api": "http://127.0.0.1:3000", "/queues": "http://127.0.0.1:3000" },
  },
});

export default config;
