import { afterAll } from "vitest";
import { removeConfiguration } from "./clean-env.ts";
import { stopOpenHandles } from "./open-handles.ts";

removeConfiguration(process.env);

afterAll(async () => {
  const left = await stopOpenHandles();
  if (left.length > 0) throw new Error(`The tests of this file left running: ${left.join(", ")}`);
});
