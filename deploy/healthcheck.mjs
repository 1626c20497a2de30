/**
 * Whether the app in this container can work now: its private port is asked, and what keeps it from working is printed
 * for `docker inspect`. Needs nothing but Node.
 */
const url = `http://127.0.0.1:${process.env.OPS_PORT ?? 9090}/readyz`;
try {
  const response = await fetch(url, { signal: AbortSignal.timeout(8000) });
  process.stdout.write(`${await response.text()}\n`);
  process.exitCode = response.status === 200 ? 0 : 1;
} catch (error) {
  process.stdout.write(`${url} does not answer: ${error.cause?.message ?? error.message}\n`);
  process.exitCode = 1;
}
