import { z } from "zod";

/**
 * What a running `npm start` leaves in `<DATA_DIR>/run.json` (mode 0600) for the commands beside it: where everything
 * listens, and the secrets that it made up itself. What the user gave (key, password, servers) is null here and stays with
 * the user, but for a path token, without which `callbackUrl` would lead nowhere.
 */
export interface LocalRun {
  /** Process id of the launcher, to tell a live file from one that a crash left behind. */
  pid: number;
  callbackUrl: string;
  dashboardUrl: string;
  callbackKey: string | null;
  dashboardUser: string;
  dashboardPassword: string | null;
  redisUrl: string | null;
  databaseUrl: string | null;
  /** The loopback port from which the worker may fetch the simulator's media files; null when it may from none. */
  originPort: number | null;
}
export const localRunSchema: z.ZodType<LocalRun> = z.object({
  pid: z.number().int().positive(),
  callbackUrl: z.url(),
  dashboardUrl: z.url(),
  callbackKey: z.string().nullable(),
  dashboardUser: z.string(),
  dashboardPassword: z.string().nullable(),
  redisUrl: z.string().nullable(),
  databaseUrl: z.string().nullable(),
  originPort: z.number().int().positive().nullable(),
});

/** The file's name inside DATA_DIR. */
export const LOCAL_RUN_FILE = "run.json";

/** Where the simulator's media origin listens unless told otherwise; `npm start` lets the worker fetch from it. */
export const DEFAULT_ORIGIN_PORT = 8090;
