import { closeDatabase, openDatabase } from "@reelgate/catalogue/database";
import type { CatalogueDatabase } from "@reelgate/catalogue/database";

/** The catalogue of a test, to seed it; closed with the stack. */
export function openCatalogue(stack: AsyncDisposableStack, url: string): CatalogueDatabase {
  return stack.adopt(
    openDatabase({
      url,
      poolSize: 2,
      statementTimeoutMs: 5000,
      applicationName: "test",
      onError: () => {
        // The tests cut connections on purpose.
      },
    }),
    closeDatabase,
  );
}
