import { readFileSync } from "node:fs";
import { z } from "zod";

const manifestSchema = z.object({ version: z.string() });

/** The version of the product, which every manifest of it has, from the one that lies beside `src` and `dist` alike. */
export function readVersion(): string {
  const manifest = readFileSync(new URL("../package.json", import.meta.url), "utf8");
  return manifestSchema.parse(JSON.parse(manifest)).version;
}
