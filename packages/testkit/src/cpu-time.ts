/**
 * CPU time that this thread has taken so far, in milliseconds. What is bounded is bounded in this: on a busy machine the
 * clock on the wall counts everybody else's work too.
 */
export function cpuTimeMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}
