import { Registry, collectDefaultMetrics } from "prom-client";

/**
 * A registry per process, made where the app is composed: nothing is registered by importing a module, so that two
 * apps, or two tests, in one process do not meet.
 */
export function createRegistry(app: string): Registry {
  const registry = new Registry();
  registry.setDefaultLabels({ app });
  collectDefaultMetrics({ register: registry });
  return registry;
}
