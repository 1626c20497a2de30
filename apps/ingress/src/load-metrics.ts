import { Counter, Gauge } from "prom-client";
import type { Registry } from "prom-client";

export interface LoadMetricsOptions {
  connections: () => number;
  maxConnections: number;
  heldBytes: () => number;
  maxHeldBytes: number;
}

export interface LoadMetrics {
  connectionDropped(): void;
  queueSampled(load: { length: number; isFull: boolean }): void;
}

/** How near the ingress is to the bounds that it refuses at. */
export function loadMetrics(registry: Registry, options: LoadMetricsOptions): LoadMetrics {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number): void => {
    // The registry keeps it; the callback is its whole life.
    void new Gauge({
      name,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });
  };
  gauge(
    "reelgate_ingress_connections",
    "Open connections to the public port.",
    options.connections,
  );
  gauge(
    "reelgate_ingress_max_connections",
    "Beyond it the connection that has been without an answer for the longest is closed: MAX_CONNECTIONS, or fewer if the process may open fewer files.",
    () => options.maxConnections,
  );
  gauge(
    "reelgate_ingress_body_bytes",
    "Memory of the bodies that arrive or wait for Redis.",
    options.heldBytes,
  );
  gauge(
    "reelgate_ingress_max_body_bytes",
    "MAX_IN_FLIGHT_BYTES, beyond which the slowest sender is answered 503.",
    () => options.maxHeldBytes,
  );
  const dropped = new Counter({
    name: "reelgate_ingress_connections_dropped_total",
    help: "Connections that were closed to make room for new ones.",
    registers,
  });
  const length = new Gauge({
    name: "reelgate_ingress_queue_length",
    help: "Callbacks in Redis that are not settled, a second ago.",
    registers,
  });
  const isFull = new Gauge({
    name: "reelgate_ingress_queue_full",
    help: "1 while Redis gets no callbacks because of MAX_QUEUE_LENGTH or REDIS_MAX_MEMORY_PERCENT.",
    registers,
  });
  return {
    connectionDropped: () => dropped.inc(),
    queueSampled(load) {
      length.set(load.length);
      isFull.set(load.isFull ? 1 : 0);
    },
  };
}
