import { optional, text } from "./env.ts";
import type { EnvVariable } from "./env.ts";

/** Where copies are, for the worker that writes them and for the dashboard that shows them. */
export interface StorageEnv<Target> extends Record<string, EnvVariable<unknown>> {
  STORAGE_URL: EnvVariable<Target | null>;
  STORAGE_ACCESS_KEY_ID: EnvVariable<string | null>;
  STORAGE_SECRET_ACCESS_KEY: EnvVariable<string | null>;
  STORAGE_SESSION_TOKEN: EnvVariable<string | null>;
}

/** @param parseUrl Reads STORAGE_URL, or throws what is wrong with it. */
export function storageEnv<Target>(parseUrl: (text: string) => Target): StorageEnv<Target> {
  return {
    STORAGE_URL: {
      parse: optional(parseUrl),
      description:
        "Where verified copies are kept, file:///… or s3://…; the worker needs it with MEDIA_MODE=download, and with it the dashboard plays the copies.",
      example:
        "s3://recordings-1250000000/live?endpoint=https://cos.ap-guangzhou.myqcloud.com&region=ap-guangzhou",
      default: "",
      secret: true,
    },
    STORAGE_ACCESS_KEY_ID: {
      parse: optional(text),
      description:
        "Access key for an s3:// storage (SecretId of Tencent Cloud); without it, the SDK's own chain: environment, shared files, instance role. That of the dashboard needs to read alone.",
      example: "AKID0000000000000000000000000000",
      default: "",
    },
    STORAGE_SECRET_ACCESS_KEY: {
      parse: optional(text),
      description: "The secret of STORAGE_ACCESS_KEY_ID.",
      example: "made-up-secret",
      default: "",
      secret: true,
    },
    STORAGE_SESSION_TOKEN: {
      parse: optional(text),
      description: "The token of temporary credentials, if they are temporary.",
      example: "made-up-token",
      default: "",
      secret: true,
    },
  };
}

export interface StorageCredentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}

/** The credentials that were given, or null for none; `problem` when one half is missing. */
export function storageCredentials(values: {
  STORAGE_ACCESS_KEY_ID: string | null;
  STORAGE_SECRET_ACCESS_KEY: string | null;
  STORAGE_SESSION_TOKEN: string | null;
}): { credentials: StorageCredentials | null; problem: string | null } {
  const {
    STORAGE_ACCESS_KEY_ID: accessKeyId,
    STORAGE_SECRET_ACCESS_KEY: secretAccessKey,
    STORAGE_SESSION_TOKEN: sessionToken,
  } = values;
  if ((accessKeyId === null) !== (secretAccessKey === null)) {
    return {
      credentials: null,
      problem:
        "STORAGE_ACCESS_KEY_ID and STORAGE_SECRET_ACCESS_KEY are set together or not at all.",
    };
  }
  return {
    credentials:
      accessKeyId === null || secretAccessKey === null
        ? null
        : { accessKeyId, secretAccessKey, ...(sessionToken === null ? {} : { sessionToken }) },
    problem: null,
  };
}
