import { randomBytes } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { AppError } from "@reelgate/shared/errors";
import { z } from "zod";
import { writePrivateFile } from "./private-file.ts";

const CREDENTIALS_FILE = "credentials.json";

/** The secrets that a data folder's servers were made with, and those made up for its user. */
export interface Credentials {
  callbackKey: string;
  dashboardPassword: string;
  redisPassword: string;
  postgresPassword: string;
}

const credentialsSchema: z.ZodType<Credentials> = z.object({
  callbackKey: z.string().min(1),
  dashboardPassword: z.string().min(1),
  redisPassword: z.string().regex(/^[\w-]+$/u),
  postgresPassword: z.string().regex(/^[\w-]+$/u),
});

/**
 * Reads the folder's credentials, or makes them up once (mode 0600): a second start has the same key and password.
 *
 * @throws AppError `setup_failed` when they are unreadable, or gone while a database that needs them is there.
 */
export function loadCredentials(dataDir: string): Credentials {
  const path = join(dataDir, CREDENTIALS_FILE);
  if (existsSync(path)) {
    try {
      return credentialsSchema.parse(JSON.parse(readFileSync(path, "utf8")));
    } catch (error) {
      throw new AppError("setup_failed", {
        message: `${path} is damaged. Restore it, or set another DATA_DIR.`,
        cause: error,
      });
    }
  }
  if (existsSync(join(dataDir, "postgres", "PG_VERSION"))) {
    throw new AppError("setup_failed", {
      message: `${path} is missing, but the database in ${join(dataDir, "postgres")} needs its password. Restore it, or set another DATA_DIR.`,
    });
  }
  const made: Credentials = {
    // 32 letters and digits: what the provider's console accepts as a key.
    callbackKey: randomBytes(16).toString("hex"),
    dashboardPassword: randomBytes(12).toString("base64url"),
    redisPassword: randomBytes(24).toString("base64url"),
    postgresPassword: randomBytes(24).toString("base64url"),
  };
  writePrivateFile(path, `${JSON.stringify(made, null, 2)}\n`);
  return made;
}
