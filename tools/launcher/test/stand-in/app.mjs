// What the launcher knows of an app: it reads its environment, says when it is ready, logs, and stops on SIGTERM.
// Its first argument would be nothing in the product; here OPS_PORT alone tells the three apart.
import { createServer } from "node:http";

if (process.env.STAND_IN_REFUSES !== undefined) {
  process.stderr.write(`${process.env.STAND_IN_REFUSES}\n`);
  process.exit(1);
}
const answer = (request, response) => {
  if (request.url === "/env")
    response.end(JSON.stringify({ ...process.env, PID: String(process.pid) }));
  else response.writeHead(request.url === "/readyz" ? 200 : 404).end();
};
const servers = [createServer(answer).listen(Number(process.env.OPS_PORT), process.env.OPS_HOST)];
process.stdout.write(`${JSON.stringify({ level: 40, msg: "a warning of the app" })}\n`);
process.on("SIGTERM", () => {
  for (const server of servers) {
    server.close();
    server.closeAllConnections();
  }
});
export const listenOn = (port, host) => {
  servers.push(createServer(answer).listen(port, host));
};
