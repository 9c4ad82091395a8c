// Questions about store items.

import { check } from "../../daemon/definition/check.js";
import { checkStore, perform, type StoreConnection } from "../connection.js";
import { StoreProtocolError } from "../errors.js";
import type { Versions } from "../handshake.js";
import type { Request, Together } from "../request.js";
import { hashPartLength, parseStorePath } from "../store-path.js";
import { type Decoder, flag, int, list, long, string, strings } from "../wire/decode.js";
import type { Encoder } from "../wire/encoder.js";
import type { Input } from "../wire/input.js";
import { argument, checkArgument } from "./arguments.js";

/** What a store knows of an item. */
export interface PathInfo {
  readonly path: string;
  /** The derivation that it was built by; absent for what was added. */
  readonly deriver?: string;
  /** The SHA-256 of its archive, in base 16. */
  readonly hash: string;
  readonly references: readonly string[];
  /** Seconds since the epoch. */
  readonly registrationTime: number;
  /** Bytes of its archive. */
  readonly narSize: number;
}

/** What a substituter can provide. */
export interface Substitutable {
  readonly path: string;
  readonly deriver?: string;
  readonly references: readonly string[];
  /** Bytes; 0 where the substituter does not know. */
  readonly downloadSize: number;
  /** Bytes of its archive. */
  readonly narSize: number;
}

/** A question about one item. */
function about<T>(
  name: string,
  operation: number,
  path: string,
  decode: (input: Input, versions: Versions) => Decoder<T>,
  together?: Together<T>,
): Request<T> {
  checkArgument(name, "path", path, argument.path);
  return { name, operation, path, encode: (encoder) => encoder.string(path), decode, together };
}

const oneString =
  (what: string) =>
  (input: Input): Decoder<string> =>
    string(input, what);
const allPaths = (input: Input): Decoder<readonly string[]> => strings(input, "store items");

/**
 * Whether `path` is a valid store item: one that is there whole. One on the disk can be invalid, as what an aborted build
 * leaves. Calls that wait for their turn together are one request.
 *
 * @throws StoreProtocolError where it is not in the store
 */
export function validPath(store: StoreConnection, path: string): Promise<boolean> {
  // No async function: of all requests it is made most often, and that would cost each a few turns more.
  try {
    return perform(store, about("validPath", 1, path, isValid, validTogether));
  } catch (error) {
    return Promise.reject(error);
  }
}

const isValid = (input: Input): Decoder<boolean> => flag(input, "whether it is valid");

const validTogether: Together<boolean> = {
  most: 1000,
  // Of others the daemon says what is wrong with them, and perhaps closes the connection.
  fits: ({ path = "" }, storeDirectory) => parseStorePath(storeDirectory, path) !== undefined,
  request: (requests) => {
    const paths = requests.map(({ path = "" }) => path);
    return aboutAll("validPath", 31, paths, function* (input): Decoder<readonly boolean[]> {
      const valid = new Set(yield* strings(input, "store items"));
      return paths.map((path) => valid.has(path));
    });
  },
};

/** The hash of an item's archive: SHA-256, in base 16. */
export async function queryPathHash(store: StoreConnection, path: string): Promise<string> {
  return perform(store, about("queryPathHash", 4, path, oneString("the hash")));
}

/** @throws StoreProtocolError where it is not valid */
export async function queryPathInfo(store: StoreConnection, path: string): Promise<PathInfo> {
  return perform(
    store,
    about("queryPathInfo", 26, path, (input, versions) => pathInfo(input, path, versions)),
  );
}

function* pathInfo(input: Input, path: string, { minor, nix }: Versions): Decoder<PathInfo> {
  // Nix's own, which Guix's daemons with their greater minors do not have.
  if (nix && minor >= 17 && !(yield* flag(input, "whether it is valid")))
    throw new StoreProtocolError(`path \`${path}' is not valid`);
  const deriver = yield* string(input, "the deriver");
  const info = {
    path,
    ...(deriver === "" ? {} : { deriver }),
    hash: yield* string(input, "the hash"),
    references: yield* strings(input, "references"),
    registrationTime: yield* int(input, "the time of registration"),
    narSize: yield* long(input, "the size of the archive"),
  };
  if (nix && minor >= 16) {
    yield* flag(input, "whether it was built here");
    yield* strings(input, "signatures");
    yield* string(input, "the content's address");
  }
  return info;
}

/** What `path` refers to. */
export async function references(store: StoreConnection, path: string): Promise<readonly string[]> {
  checkStore(store, "references");
  // Nix's daemon never answers the question of Guix where there is something to answer.
  if (store.versions.nix) return (await queryPathInfo(store, path)).references;
  return perform(store, about("references", 5, path, allPaths));
}

/** What refers to `path`. */
export async function referrers(store: StoreConnection, path: string): Promise<readonly string[]> {
  return perform(store, about("referrers", 6, path, allPaths));
}

/** `paths` and all that they refer to, directly or not, each once; what is referred to comes before what refers to it. */
export async function requisites(
  store: StoreConnection,
  paths: readonly string[],
): Promise<readonly string[]> {
  checkArgument("requisites", "paths", paths, argument.paths);
  return sorted(store, paths, true);
}

/** `paths`, so that what is referred to comes before what refers to it. */
export async function topologicallySorted(
  store: StoreConnection,
  paths: readonly string[],
): Promise<readonly string[]> {
  checkArgument("topologicallySorted", "paths", paths, argument.paths);
  return sorted(store, paths, false);
}

/** Goes down the graph without recursion: it can be deep. With `all` also what is not in `paths` is given. */
async function sorted(
  store: StoreConnection,
  paths: readonly string[],
  all: boolean,
): Promise<readonly string[]> {
  const wanted = new Set(paths);
  const met = new Set<string>();
  const order: string[] = [];
  const stack: { readonly path: string; readonly below: Iterator<string> }[] = [];
  const visit = async (path: string): Promise<void> => {
    if (met.has(path)) return;
    met.add(path);
    stack.push({ path, below: (await references(store, path)).values() });
  };
  for (const path of wanted) {
    await visit(path);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const next = top.below.next();
      if (next.done !== true) await visit(next.value);
      else {
        stack.pop();
        if (all || wanted.has(top.path)) order.push(top.path);
      }
    }
  }
  return order;
}

/** The derivation that an item was built by; undefined for what was added. */
export async function queryDeriver(store: StoreConnection, path: string): Promise<string | undefined> {
  const deriver = await perform(store, about("queryDeriver", 18, path, oneString("the deriver")));
  return deriver === "" ? undefined : deriver;
}

/** The derivations in the store that have `path` among their outputs. */
export async function validDerivers(store: StoreConnection, path: string): Promise<readonly string[]> {
  return perform(store, about("validDerivers", 33, path, allPaths));
}

/** The outputs of a derivation, `path` of which is the `.drv` file. */
export async function queryDerivationOutputs(
  store: StoreConnection,
  path: string,
): Promise<readonly string[]> {
  return perform(store, about("queryDerivationOutputs", 22, path, allPaths));
}

/** The names of a derivation's outputs, such as `out`. */
export async function queryDerivationOutputNames(
  store: StoreConnection,
  path: string,
): Promise<readonly string[]> {
  return perform(
    store,
    about("queryDerivationOutputNames", 28, path, (input) => strings(input, "names of outputs")),
  );
}

export async function queryAllValidPaths(store: StoreConnection): Promise<readonly string[]> {
  return perform(store, { name: "queryAllValidPaths", operation: 23, decode: allPaths });
}

/** The valid ones of `paths`. */
export async function queryValidPaths(
  store: StoreConnection,
  paths: readonly string[],
): Promise<readonly string[]> {
  return perform(store, aboutAll("queryValidPaths", 31, paths, allPaths));
}

const hashPart = check<string>(
  `${hashPartLength} characters of base 32`,
  (value) => typeof value === "string" && /^[0-9a-z]{32}$/.test(value),
);

/** The item whose name begins with `part`; undefined where there is none. */
export async function hashPartToPath(store: StoreConnection, part: string): Promise<string | undefined> {
  const name = "hashPartToPath";
  checkArgument(name, "part", part, hashPart);
  const encode = (encoder: Encoder): void => void encoder.string(part);
  const path = await perform(store, { name, operation: 29, encode, decode: oneString("the path") });
  return path === "" ? undefined : path;
}

/** Whether a substituter can provide `path`. */
export async function hasSubstitutes(store: StoreConnection, path: string): Promise<boolean> {
  return perform(store, {
    ...about("hasSubstitutes", 3, path, (input) => flag(input, "whether there is a substitute")),
    long: true,
  });
}

/** Those of `paths` that a substituter can provide. */
export async function substitutablePaths(
  store: StoreConnection,
  paths: readonly string[],
): Promise<readonly string[]> {
  return perform(store, { ...aboutAll("substitutablePaths", 32, paths, allPaths), long: true });
}

/** What substituters say of those of `paths` that they can provide. */
export async function substitutablePathInfo(
  store: StoreConnection,
  paths: readonly string[],
): Promise<readonly Substitutable[]> {
  const decode = (input: Input): Decoder<readonly Substitutable[]> =>
    list(input, "substitutes", () => substitutable(input));
  return perform(store, { ...aboutAll("substitutablePathInfo", 30, paths, decode), long: true });
}

function* substitutable(input: Input): Decoder<Substitutable> {
  const path = yield* string(input, "the path");
  const deriver = yield* string(input, "the deriver");
  return {
    path,
    ...(deriver === "" ? {} : { deriver }),
    references: yield* strings(input, "references"),
    downloadSize: yield* long(input, "the size of the download"),
    narSize: yield* long(input, "the size of the archive"),
  };
}

/** A question about several items. */
function aboutAll<T>(
  name: string,
  operation: number,
  paths: readonly string[],
  decode: (input: Input) => Decoder<T>,
): Request<T> {
  checkArgument(name, "paths", paths, argument.paths);
  return { name, operation, encode: (encoder) => encoder.strings(paths), decode };
}
