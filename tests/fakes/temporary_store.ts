import { openStore, type Store, type StoreOptions } from "../../lib/store/store.ts";

/** A store of a test's own; disposing of it closes it and removes its directory. */
export interface TemporaryStore extends AsyncDisposable {
  readonly store: Store;
  readonly options: StoreOptions;
}

/** Makes an empty store in a temporary directory. */
export async function makeTemporaryStore(): Promise<TemporaryStore> {
  const root = await Deno.makeTempDir({ prefix: "hct" });
  const options = {
    directory: `${root}/store`,
    runDirectory: `${root}/run`,
    lockTimeoutMs: 10_000,
  };
  const store = await openStore(options);
  return {
    store,
    options,
    async [Symbol.asyncDispose]() {
      await store[Symbol.asyncDispose]();
      await Deno.remove(root, { recursive: true });
    },
  };
}
