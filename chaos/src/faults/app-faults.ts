import type { AppProcess } from "../app-process.ts";
import type { PlannedFault } from "../plan.ts";
import { answersWithin } from "../probes.ts";
import { done, seen } from "./injected.ts";
import type { Inject, Injectors } from "./injected.ts";

const SILENCE_MS = 400;

/** Kills and stops of the product's own processes. */
export function appFaults(apps: ReadonlyMap<string, AppProcess>): Injectors {
  const appOf = ({ target }: PlannedFault): AppProcess => {
    const app = apps.get(target);
    if (app === undefined) throw new Error(`no process ${target} runs`);
    return app;
  };
  const kill: Inject = async (fault) => {
    await appOf(fault).kill();
    return done({ took: true, detail: "the process is gone" });
  };
  const stop: Inject = (fault) => {
    const app = appOf(fault);
    app.signal("SIGSTOP");
    return Promise.resolve({
      effect: (withinMs) =>
        seen(
          "no answer from it",
          withinMs,
          async () => !(await answersWithin(`${app.opsUrl}/healthz`, SILENCE_MS)),
        ),
      heal: () => {
        app.signal("SIGCONT");
        return Promise.resolve();
      },
    });
  };
  return {
    "ingress-kill": kill,
    "ingress-stop": stop,
    "worker-kill": kill,
    "worker-stop": stop,
    "worker-freeze": stop,
  };
}
