// Behaves as an app does at its edges: readiness, logs, a graceful stop, a refusal to start.
import { createServer } from "node:http";

if (process.env.REFUSE) {
  process.stderr.write(`REFUSE: ${process.env.REFUSE}\n`);
  process.exit(1);
}
const log = (msg) =>
  process.stdout.write(`${JSON.stringify({ level: 30, msg, seen: process.env.SEEN ?? null })}\n`);
const server = createServer((request, response) => {
  response.writeHead(request.url === "/readyz" ? 200 : 404).end();
});
server.listen(Number(process.env.OPS_PORT), process.env.OPS_HOST, () => log("ready"));
process.on("SIGTERM", () => {
  log("stopping");
  server.close(() => process.exit(0));
  server.closeAllConnections();
});
