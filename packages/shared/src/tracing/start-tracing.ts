import { NO_TRACING } from "./tracing.ts";
import type { StartTracingOptions, Tracing } from "./tracing.ts";

/**
 * Starts what the configuration asks for. Without an endpoint nothing of OpenTelemetry is even loaded. Disposing it
 * sends what is left, within two seconds.
 */
export async function startTracing(options: StartTracingOptions): Promise<Tracing> {
  const { endpoint } = options.config;
  if (endpoint === null) return NO_TRACING;
  const { startOtlpTracing } = await import("./otlp-tracing.ts");
  return startOtlpTracing({ ...options, endpoint });
}
