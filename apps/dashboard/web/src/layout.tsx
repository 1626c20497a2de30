import { ChartColumn, ExternalLink, Film, Inbox, Layers, Radio } from "lucide-react";
import type { LucideIcon } from "lucide-react";
import { useEffect, useRef } from "react";
import type { MouseEvent, ReactNode } from "react";
import { HealthBanner } from "./health-banner.tsx";
import { Link } from "./routing/link.tsx";
import type { Route } from "./routing/paths.ts";
import { ThemeChoice } from "./theme/theme-choice.tsx";
import markUrl from "./mark.svg";

const SECTIONS: readonly { to: string; label: string; icon: LucideIcon; pages: string[] }[] = [
  { to: "/", label: "Overview", icon: ChartColumn, pages: ["overview"] },
  { to: "/recordings", label: "Recordings", icon: Film, pages: ["recordings", "recording"] },
  { to: "/streams", label: "Streams", icon: Radio, pages: ["streams", "stream"] },
  { to: "/callbacks", label: "Callbacks", icon: Inbox, pages: ["callbacks", "callback"] },
];

/** What is around every page: the ways to the others, and whether the API is there. */
export function Layout({ route, children }: { route: Route; children: ReactNode }): ReactNode {
  return (
    <>
      <a className="skip-link" href="#content" onClick={skipToContent}>
        Skip to the content
      </a>
      <header className="top">
        <div className="top-inner">
          <Link to="/" className="brand">
            <img src={markUrl} alt="" width={26} height={26} />
            Reelgate
          </Link>
          <nav className="sections" aria-label="Sections">
            {SECTIONS.map(({ to, label, icon: Icon, pages }) => (
              <Link key={to} to={to} aria-current={pages.includes(route.page) ? "page" : undefined}>
                <Icon size={18} aria-hidden="true" />
                {label}
              </Link>
            ))}
            <a href="/queues">
              <Layers size={18} aria-hidden="true" />
              <span>
                Queues <ExternalLink className="hide-narrow" size={12} aria-hidden="true" />
              </span>
            </a>
          </nav>
          <ThemeChoice />
        </div>
      </header>
      <HealthBanner />
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      <FocusOnArrival page={pageKey(route)} />
    </>
  );
}

/** Without an entry in the history, which would be one that leads nowhere. */
function skipToContent(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById("content")?.focus();
}

function pageKey(route: Route): string {
  switch (route.page) {
    case "recording":
    case "callback":
      return `${route.page} ${route.id}`;
    case "stream":
      return `stream ${route.streamId}`;
    default:
      return route.page;
  }
}

/** A link that stays in the document must do what a new document does: begin at the top, and be told of. */
function FocusOnArrival({ page }: { page: string }): ReactNode {
  const shown = useRef(page);
  const cameByHistory = useRef(false);
  useEffect(() => {
    const onPop = (): void => {
      cameByHistory.current = true;
    };
    window.addEventListener("popstate", onPop);
    return () => window.removeEventListener("popstate", onPop);
  }, []);
  useEffect(() => {
    if (shown.current === page) return;
    shown.current = page;
    // Back and forward lead to where the reader was: the browser remembers the place.
    if (!cameByHistory.current) window.scrollTo(0, 0);
    cameByHistory.current = false;
    document.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  }, [page]);
  return null;
}
