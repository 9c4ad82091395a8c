// Adds text, files and trees to the store. The name of what is added is computed here as well, and must be the daemon's.

import { createHash, type Hash } from "node:crypto";
import { check, fail } from "../../daemon/definition/check.js";
import { addedPaths, checkStore, perform, type StoreConnection } from "../connection.js";
import { StoreProtocolError } from "../errors.js";
import { type FileTree, fileNode, type NarNode, nar, type Select, treeNode } from "../nar.js";
import {
  digestSizes,
  fixedOutputPath,
  type HashAlgorithm,
  isHashAlgorithm,
  textPath,
} from "../store-path.js";
import { string } from "../wire/decode.js";
import { argument, checkArgument } from "./arguments.js";

const hashAlgorithm = check<HashAlgorithm>(`one of ${Object.keys(digestSizes).join(", ")}`, isHashAlgorithm);

const textOrBytes = check<string | Uint8Array>(
  "a string or bytes",
  (value) => typeof value === "string" || value instanceof Uint8Array,
);

/**
 * Adds a file with the contents `text` and gives the store item's name.
 *
 * @param name what the item is called, after its digest
 * @param references the store items that the text refers to; default none
 */
export async function addTextToStore(
  store: StoreConnection,
  name: string,
  text: string | Uint8Array,
  references: readonly string[] = [],
): Promise<string> {
  const what = "addTextToStore";
  checkStore(store, what);
  checkArgument(what, "name", name, argument.name);
  checkArgument(what, "text", text, textOrBytes);
  checkArgument(what, "references", references, argument.paths);
  const expected = textPath(store.storeDirectory, name, text, references);
  const added = addedPaths(store);
  if (added.has(expected)) return expected;
  const path = await perform(store, {
    name: what,
    operation: 8,
    encode: (encoder) => {
      encoder.string(name);
      if (typeof text === "string") encoder.string(text);
      else encoder.bytes(text);
      encoder.strings(references);
    },
    decode: (input) => string(input, "the path"),
  });
  verify(store, what, path, expected);
  remember(added, expected);
  return path;
}

export interface AddOptions {
  /** Which files of a directory are added; default: all. */
  readonly select?: Select;
}

/**
 * Adds the file or the directory `file` and gives the store item's name.
 *
 * @param name what the item is called, after its digest
 * @param recursive whether its archive is what is hashed: needed for a directory, a symbolic link or a program. Otherwise it
 * must be a file, and its contents are hashed
 * @param algorithm how it is hashed: normally `sha256`
 */
export async function addToStore(
  store: StoreConnection,
  name: string,
  recursive: boolean,
  algorithm: HashAlgorithm,
  file: string,
  options: AddOptions = {},
): Promise<string> {
  const what = "addToStore";
  checkArgument(what, "recursive", recursive, argument.flag);
  checkArgument(what, "algorithm", algorithm, hashAlgorithm);
  checkArgument(what, "file", file, check("the name of a file", argument.name.matches));
  const { select = () => true } = options;
  const node = await fileNode(file, select);
  if (!recursive && node.type !== "regular")
    fail({ what }, `argument "file": "${file}" is a ${node.type}, and no file`);
  return add(store, what, name, recursive, algorithm, node);
}

/** Adds files that are in memory, and gives the store item's name. */
export async function addFileTreeToStore(
  store: StoreConnection,
  name: string,
  tree: FileTree,
): Promise<string> {
  return add(store, "addFileTreeToStore", name, true, "sha256", treeNode(tree));
}

async function add(
  store: StoreConnection,
  what: string,
  name: string,
  recursive: boolean,
  algorithm: HashAlgorithm,
  node: NarNode,
): Promise<string> {
  checkArgument(what, "name", name, argument.name);
  const hash = createHash(algorithm);
  const path = await perform(store, {
    name: what,
    operation: 7,
    // The 1 is what was once whether the output is fixed.
    encode: (encoder) => encoder.string(name).int(1).flag(recursive).string(algorithm),
    body: recursive ? hashed(nar(node), hash) : nar(withHashedContents(node, hash)),
    decode: (input) => string(input, "the path"),
  });
  const { storeDirectory } = store;
  verify(store, what, path, fixedOutputPath(storeDirectory, name, recursive, algorithm, hash.digest()));
  return path;
}

/** The pieces, each hashed when it is taken. */
async function* hashed(pieces: AsyncIterable<Uint8Array>, hash: Hash): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    hash.update(piece);
    yield piece;
  }
}

function withHashedContents(node: NarNode, hash: Hash): NarNode {
  return node.type === "regular" ? { ...node, contents: () => hashed(node.contents(), hash) } : node;
}

function verify(store: StoreConnection, what: string, path: string, expected: string): void {
  if (path === expected) return;
  const { peer, storeDirectory } = store;
  const hint = path.startsWith(`${storeDirectory}/`)
    ? ""
    : `: this connection's store directory is ${storeDirectory}, by its option "storeDirectory"`;
  throw new StoreProtocolError(`${peer}: ${what}: the daemon gave "${path}" and not "${expected}"${hint}`);
}

/** As many names are kept. */
const mostRemembered = 65_536;

function remember(added: Set<string>, path: string): void {
  if (added.size >= mostRemembered) added.clear();
  added.add(path);
}
