import "./csp-friendly-zod.ts";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { App } from "./app.tsx";
import { leaveCredentials } from "./plain-address.ts";
import { startTheme } from "./theme/theme.ts";
import "./styles/tokens.css";
import "./styles/base.css";
import "./styles/layout.css";
import "./styles/controls.css";
import "./styles/badges.css";
import "./styles/controls-narrow.css";
import "./styles/lists.css";
import "./styles/callbacks.css";
import "./styles/facts.css";
import "./styles/lists-narrow.css";
import "./styles/overview.css";
import "./styles/recording.css";
import "./styles/timeline.css";

startTheme();

const queries = new QueryClient({
  defaultOptions: {
    // Whatever is shown is asked for again every few seconds anyway.
    queries: { retry: false, networkMode: "always", refetchOnWindowFocus: true },
  },
});

const root = document.getElementById("root");
if (root === null) throw new Error("index.html has no #root");
if (!leaveCredentials()) {
  createRoot(root).render(
    <StrictMode>
      <QueryClientProvider client={queries}>
        <App />
      </QueryClientProvider>
    </StrictMode>,
  );
}
