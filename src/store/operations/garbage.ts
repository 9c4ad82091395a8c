// Garbage, what keeps store items from being that, and the store's state as a whole.

import { addedPaths, perform, type StoreConnection } from "../connection.js";
import type { Request } from "../request.js";
import { type Decoder, int, long, pairs, strings } from "../wire/decode.js";
import type { Encoder } from "../wire/encoder.js";
import type { Input } from "../wire/input.js";
import { argument, checkArgument } from "./arguments.js";

/** What a collection of garbage has done. */
export interface Collected {
  /** The store items that are no more. */
  readonly paths: readonly string[];
  /** Bytes that were freed. */
  readonly freed: number;
}

const actions = { live: 0, dead: 1, deleteDead: 2, deleteSpecific: 3 } as const;

const everything = 2n ** 64n - 1n;

/** The store items that are used. */
export async function livePaths(store: StoreConnection): Promise<readonly string[]> {
  return (await garbage(store, "livePaths", actions.live, [], everything)).paths;
}

/** The store items that are not used, which `collectGarbage` would delete. */
export async function deadPaths(store: StoreConnection): Promise<readonly string[]> {
  return (await garbage(store, "deadPaths", actions.dead, [], everything)).paths;
}

/**
 * Deletes store items that are not used. Not allowed to a client that comes by TCP.
 *
 * @param minFreed bytes to free, after which it stops; default: all that is garbage
 */
export async function collectGarbage(store: StoreConnection, minFreed?: number): Promise<Collected> {
  return garbage(store, "collectGarbage", actions.deleteDead, [], freed("collectGarbage", minFreed));
}

/**
 * Deletes these store items.
 *
 * @param minFreed bytes to free, after which it stops; default: all of them
 * @throws StoreProtocolError where one is still used; those before it are gone then
 */
export async function deletePaths(
  store: StoreConnection,
  paths: readonly string[],
  minFreed?: number,
): Promise<Collected> {
  checkArgument("deletePaths", "paths", paths, argument.paths);
  return garbage(store, "deletePaths", actions.deleteSpecific, paths, freed("deletePaths", minFreed));
}

function freed(what: string, least: number | undefined): bigint {
  return least === undefined ? everything : BigInt(checkArgument(what, "minFreed", least, argument.bytes));
}

async function garbage(
  store: StoreConnection,
  name: string,
  action: number,
  paths: readonly string[],
  mostFreed: bigint,
): Promise<Collected> {
  const deletes = action === actions.deleteDead || action === actions.deleteSpecific;
  try {
    return await perform(store, {
      name,
      operation: 20,
      encode: (encoder, { minor }) => {
        // The zeros: liveness is heeded, and what older daemons had.
        encoder.int(action).strings(paths).int(0).long(mostFreed).int(0);
        if (minor >= 5) encoder.int(0).int(0);
      },
      decode: collected,
      long: true,
    });
  } finally {
    // Also after an error: some may be gone by then.
    if (deletes) addedPaths(store).clear();
  }
}

function* collected(input: Input): Decoder<Collected> {
  const result = {
    paths: yield* strings(input, "store items"),
    freed: yield* long(input, "the bytes freed"),
  };
  yield* long(input, "an unused number");
  return result;
}

/** A request whose answer says nothing but that it is done. */
function done(
  name: string,
  operation: number,
  encode: (encoder: Encoder) => void,
  long = false,
): Request<number> {
  return { name, operation, encode, decode: (input) => int(input, "that it is done"), long };
}

/** Keeps an item from being garbage as long as the connection lives. */
export async function addTempRoot(store: StoreConnection, path: string): Promise<void> {
  checkArgument("addTempRoot", "path", path, argument.path);
  await perform(
    store,
    done("addTempRoot", 11, (encoder) => encoder.string(path)),
  );
}

/**
 * Keeps what the symbolic link `file`, somewhere outside of the store, points to from being garbage as long as it does so.
 */
export async function addIndirectRoot(store: StoreConnection, file: string): Promise<void> {
  checkArgument("addIndirectRoot", "file", file, argument.path);
  await perform(
    store,
    done("addIndirectRoot", 12, (encoder) => encoder.string(file)),
  );
}

/** Waits until a collection of garbage that is under way is over. */
export async function syncWithGc(store: StoreConnection): Promise<void> {
  await perform(
    store,
    done("syncWithGc", 13, () => {}, true),
  );
}

/** What keeps store items from being garbage: names of files, each with the item that it keeps. */
export async function findRoots(
  store: StoreConnection,
): Promise<readonly (readonly [root: string, path: string])[]> {
  return perform(store, { name: "findRoots", operation: 14, decode: (input) => pairs(input, "roots") });
}

/** Has files of the same contents share their space on the disk. */
export async function optimizeStore(store: StoreConnection): Promise<void> {
  await perform(
    store,
    done("optimizeStore", 34, () => {}, true),
  );
}

export interface VerifyOptions {
  /** Whether the contents of all items are read, and compared with their hashes; default false. */
  readonly checkContents?: boolean;
  /** Whether to repair what is damaged, for a privileged client; default false. */
  readonly repair?: boolean;
}

/** Whether the store is well: true where no error remains. What is found is told to the build output port. */
export async function verifyStore(store: StoreConnection, options: VerifyOptions = {}): Promise<boolean> {
  const name = "verifyStore";
  const { checkContents = false, repair = false } = options;
  checkArgument(name, "checkContents", checkContents, argument.flag);
  checkArgument(name, "repair", repair, argument.flag);
  const errors = await perform(store, {
    name,
    operation: 35,
    encode: (encoder) => encoder.flag(checkContents).flag(repair),
    decode: (input) => int(input, "whether errors remain"),
    long: true,
  });
  return errors === 0;
}
