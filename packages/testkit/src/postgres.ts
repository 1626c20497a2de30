import { randomBytes } from "node:crypto";
import { createDatabase, dropDatabase } from "@reelgate/catalogue/admin";
import { inject } from "vitest";
import { trackHandle } from "./open-handles.ts";

/** A database of this test's own in the Postgres that all tests share. */
export interface TestDatabase extends AsyncDisposable {
  readonly url: string;
  drop(): Promise<void>;
}

export interface TestDatabaseOptions {
  /** False for an empty database, without the schema. */
  migrated?: boolean;
}

export async function createTestDatabase(options: TestDatabaseOptions = {}): Promise<TestDatabase> {
  const adminUrl = inject("postgresAdminUrl");
  const name = `test_${randomBytes(6).toString("hex")}`;
  const template = inject("postgresTemplate");
  await createDatabase(adminUrl, name, options.migrated === false ? {} : { template });
  const url = new URL(adminUrl);
  url.pathname = `/${name}`;
  const drop = async (): Promise<void> => {
    await dropDatabase(adminUrl, name);
    untrack();
  };
  const untrack = trackHandle(`database ${name}`, drop);
  return { url: url.href, drop, [Symbol.asyncDispose]: drop };
}
