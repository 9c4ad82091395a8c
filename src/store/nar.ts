// Archives as the store has them: a file, a symbolic link or a directory tree as bytes, the same for the same contents.

import type { Stats } from "node:fs";
import { constants } from "node:fs";
import { type FileHandle, lstat, open, readdir, readlink } from "node:fs/promises";
import { Encoder } from "./wire/encoder.js";

/** What can be archived: read only when its turn comes. */
export type NarNode =
  | {
      readonly type: "regular";
      readonly executable: boolean;
      /** Bytes of the contents. */
      readonly size: number;
      readonly contents: () => AsyncIterable<Uint8Array>;
    }
  | { readonly type: "symlink"; readonly target: Uint8Array }
  | {
      readonly type: "directory";
      /** In any order. */
      readonly entries: () => Promise<readonly (readonly [name: Buffer, node: () => Promise<NarNode>])[]>;
    };

/** Whether a file is to be part of an archive; for a directory, whether anything in it is. */
export type Select = (file: string, stat: Stats) => boolean;

/** Bytes that are gathered before they are given on. */
const blockSize = 64 * 1024;

/** Files in memory, for an archive. Names of entries are one component each. */
export type FileTree =
  | { readonly type: "regular"; readonly contents: string | Uint8Array; readonly executable?: boolean }
  | { readonly type: "symlink"; readonly target: string }
  | { readonly type: "directory"; readonly entries: Readonly<Record<string, FileTree>> };

/** The archive of `node`, in pieces. */
export async function* nar(node: NarNode): AsyncGenerator<Buffer> {
  const blocks = new Blocks();
  blocks.encoder.string("nix-archive-1");
  yield* written(node, blocks);
  yield blocks.take();
}

/** The archive of files in memory, in pieces. */
export function narOfTree(tree: FileTree): AsyncGenerator<Buffer> {
  return nar(treeNode(tree));
}

/** The archive of what the file system has at `file`, in pieces. A symbolic link is archived, and not followed. */
export async function* narOfFile(file: string, select: Select = () => true): AsyncGenerator<Buffer> {
  yield* nar(await fileNode(file, select));
}

/** What is gathered for a piece. */
class Blocks {
  encoder = new Encoder();

  get full(): boolean {
    return this.encoder.length >= blockSize;
  }

  take(): Buffer {
    const block = this.encoder.done();
    this.encoder = new Encoder();
    return block;
  }
}

async function* written(node: NarNode, blocks: Blocks): AsyncGenerator<Buffer> {
  blocks.encoder.string("(").string("type").string(node.type);
  if (node.type === "symlink") blocks.encoder.string("target").bytes(node.target);
  else if (node.type === "regular") yield* writtenContents(node, blocks);
  else
    for (const [name, child] of sortedEntries(await node.entries())) {
      blocks.encoder.string("entry").string("(").string("name").bytes(name).string("node");
      yield* written(await child(), blocks);
      blocks.encoder.string(")");
      if (blocks.full) yield blocks.take();
    }
  blocks.encoder.string(")");
}

async function* writtenContents(
  { executable, size, contents }: Extract<NarNode, { readonly type: "regular" }>,
  blocks: Blocks,
): AsyncGenerator<Buffer> {
  if (executable) blocks.encoder.string("executable").string("");
  blocks.encoder.string("contents").long(BigInt(size));
  let length = 0;
  for await (const piece of contents()) {
    length += piece.length;
    blocks.encoder.raw(piece);
    if (blocks.full) yield blocks.take();
  }
  if (length !== size)
    throw new Error(`${size} bytes were announced for an archive, and ${length} are there`);
  blocks.encoder.raw(new Uint8Array(-size & 7));
}

function sortedEntries<T extends readonly [Buffer, unknown]>(entries: readonly T[]): readonly T[] {
  return [...entries].sort(([a], [b]) => Buffer.compare(a, b));
}

export function treeNode(tree: FileTree): NarNode {
  if (tree.type === "symlink") return { type: "symlink", target: Buffer.from(tree.target) };
  if (tree.type === "directory")
    return {
      type: "directory",
      entries: async () =>
        Object.entries(tree.entries).map(([name, child]) => [entryName(name), async () => treeNode(child)]),
    };
  const contents = Buffer.from(tree.contents);
  return {
    type: "regular",
    executable: tree.executable ?? false,
    size: contents.length,
    async *contents() {
      yield contents;
    },
  };
}

function entryName(name: string): Buffer {
  if (isEntryName(name)) return Buffer.from(name);
  throw new Error(`"${name}" cannot be the name of a file in a directory`);
}

export function isEntryName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !/[/\0]/.test(name);
}

/** Names are bytes, which need not be UTF-8. */
export function fileNode(file: string, select: Select): Promise<NarNode> {
  return nodeAt(Buffer.from(file), select);
}

async function nodeAt(file: Buffer, select: Select): Promise<NarNode> {
  const stat = await lstat(file);
  if (stat.isSymbolicLink()) return { type: "symlink", target: await readlink(file, { encoding: "buffer" }) };
  if (stat.isDirectory()) return { type: "directory", entries: () => entriesOf(file, select) };
  if (!stat.isFile()) throw new Error(`${file}: only files, symbolic links and directories can be archived`);
  return {
    type: "regular",
    executable: (stat.mode & constants.S_IXUSR) !== 0,
    size: stat.size,
    contents: () => contentsOf(file, stat.size),
  };
}

async function entriesOf(
  directory: Buffer,
  select: Select,
): Promise<readonly (readonly [Buffer, () => Promise<NarNode>])[]> {
  const entries: (readonly [Buffer, () => Promise<NarNode>])[] = [];
  for (const name of await readdir(directory, { encoding: "buffer" })) {
    const file = Buffer.concat([directory, Buffer.from("/"), name]);
    if (select(file.toString(), await lstat(file))) entries.push([name, () => nodeAt(file, select)]);
  }
  return entries;
}

/** Of a file that grows meanwhile, as much as was there at first. */
async function* contentsOf(file: Buffer, size: number): AsyncGenerator<Uint8Array> {
  let handle: FileHandle | undefined;
  try {
    // What became something else since it was looked at must not block, nor lead elsewhere.
    handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    for (let left = size; left > 0; ) {
      const { bytesRead, buffer } = await handle.read(Buffer.allocUnsafe(Math.min(left, blockSize)));
      if (bytesRead === 0) throw new Error(`${file}: the file has become shorter while it was read`);
      left -= bytesRead;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await handle?.close();
  }
}
