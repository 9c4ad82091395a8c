// Archives taken apart, in memory.

import type { FileTree } from "./nar.js";
import { isEntryName } from "./nar.js";
import { byBytes } from "./store-path.js";
import { bytes, type Decoder, string } from "./wire/decode.js";
import { Input } from "./wire/input.js";

/** Directories in each other: more than file names have room for. */
const deepest = 2048;

/** The files of a whole archive. Throws a StoreProtocolError for what is none. */
export function parseNar(archive: Uint8Array): FileTree {
  const input = new Input("an archive");
  input.push(Buffer.from(archive.buffer, archive.byteOffset, archive.byteLength));
  input.end();
  input.begin("files");
  const decoder = parsed(input);
  // It never waits: the end is known.
  const step = decoder.next();
  if (step.done !== true) return input.fail("the archive", "it does not end");
  if (input.available > 0) input.fail("the end", `${input.available} bytes follow it`);
  return step.value;
}

function* parsed(input: Input): Decoder<FileTree> {
  yield* expect(input, "nix-archive-1");
  return yield* node(input, 0);
}

function* node(input: Input, depth: number): Decoder<FileTree> {
  if (depth > deepest) input.fail("a directory", "they lie too deep in each other");
  yield* expect(input, "(");
  yield* expect(input, "type");
  const type = yield* string(input, "the type of a file");
  if (type === "regular") return yield* regular(input);
  if (type === "symlink") {
    yield* expect(input, "target");
    const target = yield* string(input, "a symbolic link");
    yield* expect(input, ")");
    return { type, target };
  }
  if (type !== "directory") return input.fail("the type of a file", `"${type}" is unknown`);
  // Without a prototype: a file can have any name.
  const entries: Record<string, FileTree> = Object.create(null) as Record<string, FileTree>;
  let last: string | undefined;
  for (;;) {
    const word = yield* string(input, "an entry");
    if (word === ")") return { type, entries };
    if (word !== "entry") input.fail("an entry", `"${word}" is none`);
    yield* expect(input, "(");
    yield* expect(input, "name");
    const name = yield* string(input, "the name of a file");
    if (!isEntryName(name)) input.fail("the name of a file", `"${name}" is none`);
    if (last !== undefined && byBytes(last, name) >= 0)
      input.fail("the name of a file", `"${name}" comes after "${last}"`);
    last = name;
    yield* expect(input, "node");
    entries[name] = yield* node(input, depth + 1);
    yield* expect(input, ")");
  }
}

function* regular(input: Input): Decoder<FileTree> {
  let word = yield* string(input, "a file");
  const executable = word === "executable";
  if (executable) {
    yield* expect(input, "");
    word = yield* string(input, "a file");
  }
  if (word === ")") return { type: "regular", contents: Buffer.alloc(0), executable };
  if (word !== "contents") input.fail("a file", `"${word}" is no part of it`);
  const contents = Buffer.from(yield* bytes(input, "contents", input.available));
  yield* expect(input, ")");
  return { type: "regular", contents, executable };
}

function* expect(input: Input, word: string): Decoder<void> {
  const found = yield* string(input, `"${word}"`);
  if (found !== word) input.fail(`"${word}"`, `"${found}" is there instead`);
}
