import { createHash } from "node:crypto";

const STYLE = `
:root { color-scheme: light dark; }
body { font: 1.0625rem/1.6 system-ui, sans-serif; max-width: 40rem; margin: 3rem auto; padding: 0 1.25rem; }
h1 { line-height: 1.2; }
li { margin-block: 0.5rem; }
`;

/** For the content security policy: the page's one style sheet, and no other, may apply. */
export const INDEX_PAGE_STYLE_HASH: string = `'sha256-${createHash("sha256").update(STYLE).digest("base64")}'`;

/** The way into a dashboard whose pages were not built: static, no script. */
export const INDEX_PAGE: string = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>Reelgate</title>
<style>${STYLE}</style>
</head>
<body>
<main>
<h1>Reelgate</h1>
<p>Recordings of the live streams, each checked against the file behind it.</p>
<p>The pages of this dashboard were not built: run <code>npm run build</code> and start it again. What they show is here as JSON.</p>
<nav aria-label="Dashboard">
<ul>
<li><a href="/api/recordings">Recordings</a>, newest first (JSON)</li>
<li><a href="/api/recordings?state=failed">Recordings that could not be verified</a> (JSON)</li>
<li><a href="/api/callbacks">Callbacks</a> with their outcomes (JSON)</li>
<li><a href="/api/overview">The last hour</a>: callbacks, queues, lag and failures (JSON)</li>
<li><a href="/api/stats">Counts</a> of the catalogue and the queues (JSON)</li>
<li><a href="/queues">Queues</a>: the work in flight</li>
</ul>
</nav>
</main>
</body>
</html>
`;
