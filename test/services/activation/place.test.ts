// Finding the way to a place: which links are followed, and which are not.

import assert from "node:assert/strict";
import { chmod, chown, lchown, lstat, mkdir, readdir, readFile, stat, symlink } from "node:fs/promises";
import { describe, it } from "node:test";
import { within } from "../../../src/services/activation/directory.js";
import { atEnd, inPlace, openPlace } from "../../../src/services/activation/place.js";
import { needsRoot, type TemporaryRoot, withRoot } from "../support.js";

const user = 1234;

async function inodeOf(root: TemporaryRoot, path: string): Promise<bigint> {
  return await within(openPlace(root, path), async ({ handle }) => (await handle.stat({ bigint: true })).ino);
}

const inodeAt = async (root: TemporaryRoot, name: string): Promise<bigint> =>
  (await stat(root.path(name), { bigint: true })).ino;

describe("openPlace", () => {
  it("follows links of root's, below the root", () =>
    withRoot(async (root) => {
      await mkdir(root.path("run/tor"), { recursive: true });
      await mkdir(root.path("var/lib"), { recursive: true });
      await symlink("/run", root.path("var/run"));
      await symlink("../run/./tor/..", root.path("var/odd"));
      await symlink("../../../../..", root.path("var/out"));
      const run = await inodeAt(root, "run");
      assert.equal(await inodeOf(root, "/var/run"), run);
      assert.equal(await inodeOf(root, "var/run/"), run);
      assert.equal(await inodeOf(root, "/var/odd"), run);
      assert.equal(await inodeOf(root, "/var/run/tor/../../var/lib/../../run"), run);
      // Nothing is above the root.
      assert.equal(await inodeOf(root, "/var/out/run"), run);
      assert.equal(await inodeOf(root, "/"), await inodeAt(root, "."));
    }));

  it("says what is missing, and what is no directory", () =>
    withRoot(async (root) => {
      await root.write("etc/file", "");
      await assert.rejects(openPlace(root, "/var/lib"), {
        message: `${root.path("var")}: No such file or directory`,
      });
      await assert.rejects(openPlace(root, "/etc/file/x"), {
        message: `${root.path("etc/file")}: Not a directory`,
      });
    }));

  it("gives up where links go round", () =>
    withRoot(async (root) => {
      await symlink("b", root.path("a"));
      await symlink("a", root.path("b"));
      await assert.rejects(openPlace(root, "/a"), /: Too many levels of symbolic links$/);
      await assert.rejects(
        atEnd(root, "/a", async () => undefined),
        { message: "/a: Too many levels of symbolic links" },
      );
    }));

  it("makes what is missing with 0755, whatever the umask", () =>
    withRoot(async (root) => {
      const former = process.umask(0o077);
      try {
        await (await openPlace(root, "/a/b", { make: true })).close();
      } finally {
        process.umask(former);
      }
      for (const name of ["a", "a/b"]) assert.equal((await stat(root.path(name))).mode & 0o7777, 0o755);
    }));

  it("leaves no descriptor open", () =>
    withRoot(async (root) => {
      const count = async () => (await readdir("/proc/self/fd")).length;
      await symlink("/x/y", root.path("link"));
      await mkdir(root.path("x/y/z"), { recursive: true });
      const before = await count();
      for (let round = 0; round < 5; round += 1) {
        await (await openPlace(root, "/link/../y/z")).close();
        await assert.rejects(openPlace(root, "/link/none/x"));
      }
      assert.equal(await count(), before);
    }));
});

describe("links that others can have put there", { skip: needsRoot }, () => {
  const refused = /: a symbolic link that others than root can have put there is not followed$/;

  it("are not followed in a user's directory", () =>
    withRoot(async (root) => {
      await mkdir(root.path("etc"));
      await mkdir(root.path("var/lib/tor"), { recursive: true });
      await chown(root.path("var/lib/tor"), user, user);
      // Root's own link, too: the user can have moved it there.
      await symlink("/etc", root.path("var/lib/tor/hidden-services"));
      await assert.rejects(openPlace(root, "/var/lib/tor/hidden-services"), refused);
      await assert.rejects(openPlace(root, "/var/lib/tor/hidden-services/x", { make: true }), refused);
      await assert.rejects(
        inPlace(root, "/var/lib/tor/hidden-services/x", {}, async () => undefined),
        refused,
      );
      await assert.rejects(
        atEnd(root, "/var/lib/tor/hidden-services", async () => undefined),
        refused,
      );
      assert.deepEqual(await readdir(root.path("etc")), []);
    }));

  it("are not followed where everybody or a group may write", () =>
    withRoot(async (root) => {
      await mkdir(root.path("etc"));
      await mkdir(root.path("open"));
      await symlink("/etc", root.path("open/link"));
      for (const mode of [0o777, 0o775]) {
        await chmod(root.path("open"), mode);
        await assert.rejects(openPlace(root, "/open/link"), refused);
      }
    }));

  it("are followed in a sticky directory where they are root's, and not where they are a user's", () =>
    withRoot(async (root) => {
      await mkdir(root.path("etc"));
      await mkdir(root.path("tmp"));
      await chmod(root.path("tmp"), 0o1777);
      await symlink("/etc", root.path("tmp/root"));
      await symlink("/etc", root.path("tmp/user"));
      await lchown(root.path("tmp/user"), user, user);
      await (await openPlace(root, "/tmp/root")).close();
      await assert.rejects(openPlace(root, "/tmp/user"), refused);
    }));
});

describe("a directory that is open", () => {
  it("stays the same when something else takes its name", () =>
    withRoot(async (root) => {
      await mkdir(root.path("a"));
      await mkdir(root.path("etc"));
      await inPlace(root, "/a/x", {}, async (directory, name) => {
        const { rename } = await import("node:fs/promises");
        await rename(root.path("a"), root.path("b"));
        await symlink("etc", root.path("a"));
        const handle = await directory.createFile(name);
        await handle.writeFile("here");
        await handle.close();
      });
      assert.deepEqual(await readdir(root.path("etc")), []);
      assert.equal(await readFile(root.path("b/x"), "utf8"), "here");
      assert.ok((await lstat(root.path("a"))).isSymbolicLink());
    }));
});
