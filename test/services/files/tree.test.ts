// Directory trees: their hash, and their bytes when they are written.

import assert from "node:assert/strict";
import { lstat, mkdir, readdir, readFile, readlink } from "node:fs/promises";
import { describe, it } from "node:test";
import {
  directory,
  file,
  hashOfTree,
  symlink,
  type Tree,
  unionOf,
} from "../../../src/services/files/tree.js";
import { writeTree } from "../../../src/services/files/write-tree.js";
import { withRoot } from "../support.js";

const tree: Tree = new Map([
  ["b/secret", file("x", 0o600)],
  ["a", symlink("/nowhere")],
  ["b/c/script", file(Buffer.from("#!/bin/sh\n"), 0o555)],
  ["empty", directory(0o750)],
]);

describe("hashOfTree", () => {
  it("is that of the names, kinds, permissions and contents, whatever their order", () => {
    const hash = hashOfTree(tree);
    assert.match(hash, /^[0-9a-f]{64}$/);
    assert.equal(hashOfTree(new Map([...tree].reverse())), hash);
    assert.equal(hashOfTree(unionOf("t", [tree, tree])), hash);
    // What is implied may be said.
    assert.equal(hashOfTree(new Map([...tree, ["b", directory()]])), hash);
    const others: readonly Tree[] = [
      new Map([...tree, ["a", symlink("/somewhere")]]),
      new Map([...tree, ["a", file("/nowhere")]]),
      new Map([...tree, ["b/secret", file("x", 0o644)]]),
      new Map([...tree, ["b/secret", file("y", 0o600)]]),
      new Map([...tree, ["empty", directory()]]),
      new Map([...tree].slice(1)),
      new Map([...tree, ["d", file("")]]),
    ];
    assert.equal(new Set([hash, ...others.map(hashOfTree)]).size, others.length + 1);
  });

  it("does not take two trees for one whose texts run together", () => {
    assert.notEqual(hashOfTree(new Map([["ab", file("c")]])), hashOfTree(new Map([["a", file("bc")]])));
  });
});

describe("writeTree", () => {
  it("writes the same bytes, permissions and times, whatever the umask", () =>
    withRoot(async (root) => {
      await writeTree(tree, root.path("one"));
      const former = process.umask(0o077);
      try {
        await writeTree(new Map([...tree].reverse()), root.path("two"));
      } finally {
        process.umask(former);
      }
      const listing = await root.listing();
      const below = (top: string) =>
        Object.fromEntries(
          Object.entries(listing).flatMap(([path, what]) =>
            path === top || path.startsWith(`${top}/`) ? [[path.slice(top.length), what]] : [],
          ),
        );
      assert.deepEqual(below("two"), below("one"));
      assert.match(listing.one ?? "", /^directory 755 /);
      assert.match(listing["one/empty"] ?? "", /^directory 750 /);
      assert.match(listing["one/b/secret"] ?? "", /^file 600 /);
      assert.equal(await readFile(root.path("one/b/c/script"), "utf8"), "#!/bin/sh\n");
      assert.equal(await readlink(root.path("one/a")), "/nowhere");
      for (const path of Object.keys(listing))
        assert.equal((await lstat(root.path(path))).mtimeMs, 1000, path);
    }));

  it("replaces nothing, and leaves nothing where it fails", () =>
    withRoot(async (root) => {
      await mkdir(root.path("there"));
      await assert.rejects(writeTree(tree, root.path("there")), { code: "EEXIST" });
      assert.deepEqual(await readdir(root.path("there")), []);
      await assert.rejects(writeTree(tree, root.path("none/there")), { code: "ENOENT" });
      await assert.rejects(writeTree(new Map([["a".repeat(300), file("")]]), root.path("long")), {
        code: "ENAMETOOLONG",
      });
      assert.deepEqual(await readdir(root.root), ["there"]);
    }));
});
