/**
 * One line per step that takes time. On a terminal the line shows the seconds while it runs; elsewhere it is printed
 * once at the start, so that a log shows what a long silence is about.
 */
export async function step(title, work) {
  const startedAt = Date.now();
  const elapsed = () => `${((Date.now() - startedAt) / 1000).toFixed(0)} s`;
  if (!process.stderr.isTTY) {
    process.stderr.write(`${title} ...\n`);
    return work();
  }
  const show = (end) => process.stderr.write(`\r\u001b[2K${title} ... ${elapsed()}${end}`);
  const timer = setInterval(() => show(""), 500);
  show("");
  try {
    return await work();
  } finally {
    clearInterval(timer);
    show("\n");
  }
}
