import { z } from "zod";

/** What the simulator takes from the environment; each is only used where no flag says otherwise. */
export interface Environment {
  /** The first of CALLBACK_KEYS. */
  callbackKey: string | null;
  dashboardUser: string | null;
  dashboardPassword: string | null;
  /** Where a running `npm start` leaves its addresses. */
  dataDir: string;
}

/** An empty variable counts as unset. */
const optionalText = z
  .string()
  .optional()
  .transform((text) => (text === undefined || text === "" ? null : text));

const environmentSchema = z.object({
  CALLBACK_KEYS: optionalText.transform((keys) => keys?.split(",", 1)[0]?.trim() ?? null),
  DASHBOARD_USER: optionalText,
  DASHBOARD_PASSWORD: optionalText,
  DATA_DIR: optionalText.transform((dir) => dir ?? ".data"),
});

export function readEnvironment(
  env: Readonly<Record<string, string | undefined>> = process.env,
): Environment {
  const values = environmentSchema.parse(env);
  return {
    callbackKey: values.CALLBACK_KEYS,
    dashboardUser: values.DASHBOARD_USER,
    dashboardPassword: values.DASHBOARD_PASSWORD,
    dataDir: values.DATA_DIR,
  };
}
