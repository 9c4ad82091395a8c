// Names of store items against those that daemons gave, base 32, and names taken apart.

import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import { test } from "node:test";
import { base32, fromBase32 } from "../../src/store/base32.js";
import { narOfTree, parseNar } from "../../src/store/index.js";
import { type FileTree, nar } from "../../src/store/nar.js";
import {
  byteSorted,
  directStorePath,
  fixedOutputPath,
  isDerivationPath,
  isDirectStorePath,
  isStoreName,
  isStorePath,
  parseStorePath,
  sha256,
  textPath,
} from "../../src/store/store-path.js";

const gnu = "/gnu/store";
const hello = `${gnu}/bjfjcd0iwaqp6ckwlrd6qim7hjaa5ngi-hello.txt`;

async function narBytes(tree: FileTree): Promise<Buffer> {
  const pieces: Buffer[] = [];
  for await (const piece of narOfTree(tree)) pieces.push(piece);
  return Buffer.concat(pieces);
}

test("text", () => {
  assert.equal(textPath(gnu, "hello.txt", "Hello, store!\n"), hello);
  const ref = `${gnu}/mhyabhh3zla57y7vnq2c0ywk8kmnzs5g-ref.txt`;
  assert.equal(textPath(gnu, "ref.txt", `see ${hello}\n`, [hello]), ref);
  // In any order, and however often.
  assert.equal(
    textPath(gnu, "both", "x", [ref, hello, ref]),
    textPath(gnu, "both", Buffer.from("x"), [hello, ref]),
  );
});

test("contents and archives", async () => {
  assert.equal(
    fixedOutputPath(gnu, "flat", false, "sha256", sha256("flat data")),
    `${gnu}/7az46050qry3pan9azl9sq9vlc5df9f7-flat`,
  );
  const tree: FileTree = {
    type: "directory",
    entries: {
      x: { type: "regular", contents: "#!", executable: true },
      f: { type: "regular", contents: "file" },
    },
  };
  assert.equal(
    fixedOutputPath(gnu, "tree", true, "sha256", sha256(await narBytes(tree))),
    `${gnu}/q9j2d4xmc0s5yha5iryg3p5yh8w3qzhr-tree`,
  );
  const nar = await narBytes({ type: "regular", contents: "Hello, store!\n" });
  assert.equal(nar.length, 128);
  assert.equal(
    sha256(nar).toString("hex"),
    "4ab03ed7a510387c0b93b322d17a4fa2dc4493a75e227174208a35c5e9c302dd",
  );
});

test("an archive taken apart is what it was made of", async () => {
  const tree: FileTree = {
    type: "directory",
    entries: {
      "": { type: "symlink", target: "x" },
    },
  };
  await assert.rejects(narBytes(tree), /"" cannot be the name/);
  const good: FileTree = {
    type: "directory",
    entries: {
      a: { type: "regular", contents: Buffer.from([0, 255, 1]), executable: false },
      é: { type: "symlink", target: "../no/matter" },
      Z: { type: "directory", entries: {} },
      __proto__x: { type: "regular", contents: Buffer.alloc(100_000, 7), executable: true },
    },
  };
  const archive = await narBytes(good);
  const parsed = parseNar(archive);
  assert.equal(parsed.type, "directory");
  assert.deepEqual(
    new Map(Object.entries(parsed.type === "directory" ? parsed.entries : {})).get("__proto__x"),
    good.type === "directory" ? good.entries.__proto__x : undefined,
  );
  assert.deepEqual(await narBytes(parsed), archive);
  for (let length = 0; length < 600; length++)
    assert.throws(() => parseNar(archive.subarray(0, length)), { name: "StoreProtocolError" });
  assert.throws(() => parseNar(Buffer.concat([archive, Buffer.alloc(8)])), /8 bytes follow it/);
});

test("contents of another length than was announced are an error", async () => {
  for (const size of [2, 4]) {
    const contents = async function* (): AsyncGenerator<Buffer> {
      yield Buffer.from("123");
    };
    const pieces = nar({ type: "regular", executable: false, size, contents });
    await assert.rejects(
      async () => {
        for await (const piece of pieces) assert.ok(piece.length > 0);
      },
      { message: `${size} bytes were announced for an archive, and 3 are there` },
    );
  }
});

test("archives that are none are refused by what is wrong with them", async () => {
  const { int, str } = await import("./fake-daemon.js");
  const words = (...parts: readonly (string | Buffer)[]): Buffer =>
    Buffer.concat(parts.map((part) => (typeof part === "string" ? str(part) : part)));
  const entry = (name: string): Buffer =>
    words("entry", "(", "name", name, "node", "(", "type", "symlink", "target", "t", ")", ")");
  const directory = (...entries: readonly Buffer[]): Buffer =>
    words("nix-archive-1", "(", "type", "directory", ...entries, ")");
  const table: readonly (readonly [Buffer, RegExp])[] = [
    [words("nix-archive-2"), /"nix-archive-2" is there instead/],
    [words("nix-archive-1", "(", "type", "socket"), /the type of a file, .*"socket" is unknown/],
    [directory(entry("b"), entry("a")), /"a" comes after "b"/],
    [directory(entry("a"), entry("a")), /"a" comes after "a"/],
    [directory(entry("..")), /"\.\." is none/],
    [directory(entry("a/b")), /"a\/b" is none/],
    [
      words("nix-archive-1", "(", "type", "regular", "contents", int(2 ** 31)),
      /2147483648 bytes are more than/,
    ],
    [
      words("nix-archive-1", "(", "type", "regular", "contents", int(1), Buffer.from("a1234567")),
      /its padding is not zero/,
    ],
  ];
  for (const [archive, expected] of table) assert.throws(() => parseNar(archive), expected);
  let deep = words("nix-archive-1");
  for (let depth = 0; depth < 3000; depth++)
    deep = Buffer.concat([deep, words("(", "type", "directory", "entry", "(", "name", "a", "node")]);
  assert.throws(() => parseNar(deep), /too deep/);
});

test("base 32", () => {
  assert.equal(base32(Buffer.alloc(20)), "0".repeat(32));
  assert.equal(base32(Buffer.alloc(20, 255)), "z".repeat(32));
  // Of Guix's manual: the SHA-256 of nothing.
  assert.equal(base32(createHash("sha256").digest()), "0mdqa9w1p6cmli6976v4wi0sw9r4p5prkj7lzfd1877wk11c9c73");
  for (let length = 0; length < 70; length++) {
    const bytes = randomBytes(length);
    assert.deepEqual(fromBase32(base32(bytes)), bytes);
  }
  for (const wrong of ["e", "zz", "0O", "z".repeat(52), "a b"])
    assert.equal(fromBase32(wrong), undefined, wrong);
});

test("names of items", () => {
  for (const name of ["a", "a.b", "+-_?=", "x".repeat(211)]) assert.ok(isStoreName(name), name);
  for (const name of ["", ".x", "a b", "a/b", "é", "x".repeat(212), "a\n"])
    assert.ok(!isStoreName(name), name);
  assert.deepEqual(parseStorePath(gnu, hello), {
    hashPart: "bjfjcd0iwaqp6ckwlrd6qim7hjaa5ngi",
    name: "hello.txt",
  });
  for (const path of [`${hello}/x`, gnu, `${gnu}/`, `${gnu}/short-x`, hello.replace("b", "e"), "/etc/passwd"])
    assert.equal(parseStorePath(gnu, path), undefined, path);
  assert.ok(isStorePath(gnu, `${hello}/x`) && !isStorePath(gnu, "/gnu/storehouse/x"));
  assert.ok(isDirectStorePath(gnu, hello) && !isDirectStorePath(gnu, `${hello}/x`));
  assert.equal(directStorePath(gnu, `${hello}/x/y`), hello);
  assert.equal(directStorePath(gnu, "/etc"), undefined);
  assert.ok(isDerivationPath(gnu, `${gnu}/x.drv`) && !isDerivationPath(gnu, hello));
});

test("strings are sorted by their bytes", () => {
  // By UTF-16 the second would come first.
  assert.deepEqual(byteSorted(["\u{1f600}", "\uffee", "a", "B", "a"]), ["B", "a", "\uffee", "\u{1f600}"]);
});
