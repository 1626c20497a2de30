import type { ReactNode } from "react";
import { Layout } from "./layout.tsx";
import { CallbackPage } from "./pages/callback-page.tsx";
import { CallbacksPage } from "./pages/callbacks-page.tsx";
import { NotFoundPage } from "./pages/not-found-page.tsx";
import { OverviewPage } from "./pages/overview-page.tsx";
import { RecordingPage } from "./pages/recording-page.tsx";
import { RecordingsPage } from "./pages/recordings-page.tsx";
import { StreamPage } from "./pages/stream-page.tsx";
import { StreamsPage } from "./pages/streams-page.tsx";
import { routeOf } from "./routing/paths.ts";
import type { Route } from "./routing/paths.ts";
import { useAddress } from "./routing/router.ts";
import { useSearchKey } from "./search-key.ts";

export function App(): ReactNode {
  const { pathname, search } = useAddress();
  useSearchKey();
  const route = routeOf(pathname, search);
  return (
    <Layout route={route}>
      <Page route={route} search={search} />
    </Layout>
  );
}

function Page({ route, search }: { route: Route; search: string }): ReactNode {
  switch (route.page) {
    case "overview":
      return <OverviewPage />;
    case "recordings":
      return <RecordingsPage search={search} />;
    case "recording":
      return <RecordingPage key={route.id} id={route.id} />;
    case "streams":
      return <StreamsPage />;
    case "stream":
      return <StreamPage key={route.streamId} streamId={route.streamId} search={search} />;
    case "callbacks":
      return <CallbacksPage search={search} />;
    case "callback":
      return <CallbackPage key={route.id} id={route.id} />;
    case "not-found":
      return <NotFoundPage />;
    default:
      return route satisfies never;
  }
}
