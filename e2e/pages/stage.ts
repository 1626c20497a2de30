import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { startProduct } from "../support/product.ts";
import type { Dashboard, Product } from "../support/product.ts";
import { startBrowser } from "./browser.ts";
import type { TestBrowser } from "./browser.ts";
import { seedScene } from "./scene.ts";
import type { Scene } from "./scene.ts";

/** A running dashboard over a seeded catalogue, and a browser in front of it. */
export interface Stage extends AsyncDisposable {
  product: Product;
  dashboard: Dashboard;
  browser: TestBrowser;
  scene: Scene;
}

export async function startStage(nowMs: number, options: { cameras: number }): Promise<Stage> {
  await using opened = new AsyncDisposableStack();
  const storage = await mkdtemp(join(tmpdir(), "reelgate-pages-"));
  opened.defer(() => rm(storage, { recursive: true, force: true }));
  const product = opened.use(await startProduct());
  const [dashboard, scene] = await Promise.all([
    product.startDashboard({ STORAGE_URL: pathToFileURL(storage).href }),
    seedScene(product.db, storage, nowMs, options.cameras),
  ]);
  const browser = opened.use(await startBrowser(dashboard));
  const resources = opened.move();
  return {
    product,
    dashboard,
    browser,
    scene,
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
