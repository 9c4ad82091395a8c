// Making things be as they should: directories, files, links, nothing.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import {
  chmod,
  chown,
  link,
  lstat,
  mkdir,
  readdir,
  readlink,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { describe, it } from "node:test";
import { promisify } from "node:util";
import { within } from "../../../src/services/activation/directory.js";
import { openPlace } from "../../../src/services/activation/place.js";
import { ourselves, putDirectory, putFile, putLink, remove } from "../../../src/services/activation/put.js";
import { emptyDirectory } from "../../../src/services/activation/remove.js";
import { needsRoot, type TemporaryRoot, withRoot } from "../support.js";

const user = 1234;
const ours = ourselves();

async function described(root: TemporaryRoot, name: string): Promise<string> {
  const { mode, uid, gid } = await lstat(root.path(name));
  return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
}

const us = `${ours.uid}:${ours.gid}`;

describe("putDirectory", () => {
  it("makes those above it for everybody, and itself as it should be", () =>
    withRoot(async (root) => {
      await putDirectory(root, "/var/lib/tor", { mode: 0o700 });
      assert.equal(await described(root, "var/lib"), `755 ${us}`);
      assert.equal(await described(root, "var/lib/tor"), `700 ${us}`);
    }));

  it("changes what is said of one that is there, and nothing else", () =>
    withRoot(async (root) => {
      await mkdir(root.path("d"));
      await chmod(root.path("d"), 0o2775);
      await putDirectory(root, "/d", {});
      assert.equal(await described(root, "d"), `2775 ${us}`);
      await putDirectory(root, "/d", { mode: 0o750 });
      assert.equal(await described(root, "d"), `750 ${us}`);
      await putDirectory(root, "/d", { mode: 0o755 }, "keep-mode");
      assert.equal(await described(root, "d"), `750 ${us}`);
    }));

  it("gives it away, with bits that a change of owner would clear", { skip: needsRoot }, () =>
    withRoot(async (root) => {
      await putDirectory(root, "/d", { mode: 0o2750, uid: user, gid: user });
      assert.equal(await described(root, "d"), `2750 ${user}:${user}`);
      await putDirectory(root, "/d", { mode: 0o2750, uid: 0, gid: user });
      assert.equal(await described(root, "d"), `2750 0:${user}`);
    }),
  );

  it("says where something else is in the way", () =>
    withRoot(async (root) => {
      await root.write("var/run", "");
      await assert.rejects(putDirectory(root, "/var/run/tor", {}), {
        message: `${root.path("var/run")}: Not a directory`,
      });
      await assert.rejects(putDirectory(root, "/var/run", {}), {
        message: `${root.path("var/run")}: Not a directory`,
      });
    }));
});

describe("putFile", () => {
  const file = { contents: "hello\n", mode: 0o640, ...ours };

  it("writes a new file, and nothing when it is there", () =>
    withRoot(async (root) => {
      assert.equal(await putFile(root, "/etc/a/issue", file), true);
      assert.equal(await root.read("etc/a/issue"), "hello\n");
      assert.equal(await described(root, "etc/a/issue"), `640 ${us}`);
      const before = await root.listing({ exact: true });
      assert.equal(await putFile(root, "/etc/a/issue", file), false);
      assert.deepEqual(await root.listing({ exact: true }), before);
      assert.equal(await putFile(root, "/etc/a/issue", { ...file, mode: 0o600 }), true);
      assert.equal(await putFile(root, "/etc/a/issue", { ...file, contents: "world\n", mode: 0o600 }), true);
      assert.deepEqual(await readdir(root.path("etc/a")), ["issue"]);
    }));

  it("replaces a link and a file with other names, and writes through neither", () =>
    withRoot(async (root) => {
      await root.write("secret", "secret");
      await symlink("secret", root.path("a"));
      await link(root.path("secret"), root.path("b"));
      await putFile(root, "/a", file);
      await putFile(root, "/b", file);
      assert.equal(await root.read("secret"), "secret");
      assert.equal(await root.read("a"), "hello\n");
      assert.equal(await root.read("b"), "hello\n");
      assert.ok((await lstat(root.path("a"))).isFile());
    }));

  it("does not change a file that has another name where only its owner differs", { skip: needsRoot }, () =>
    withRoot(async (root) => {
      // A user has linked root's file into a directory of his.
      await root.write("shadow", "hello\n");
      await mkdir(root.path("home"));
      await chown(root.path("home"), user, user);
      await link(root.path("shadow"), root.path("home/file"));
      await putFile(root, "/home/file", { ...file, uid: user, gid: user });
      assert.equal(await described(root, "shadow"), "644 0:0");
      assert.equal(await described(root, "home/file"), `640 ${user}:${user}`);
    }),
  );

  it("replaces what an activation that was killed has left", () =>
    withRoot(async (root) => {
      await putFile(root, "/a", file);
      const [name = ""] = await readdir(root.root);
      assert.equal(name, "a");
      const before = new Set(await readdir(root.root));
      // The same temporary name, whatever is there.
      const { createHash } = await import("node:crypto");
      const temporary = `.${createHash("sha256").update("a").digest("hex").slice(0, 16)}.shepherd-new`;
      await mkdir(root.path(`${temporary}/full`), { recursive: true });
      await putFile(root, "/a", { ...file, contents: "new\n" });
      assert.equal(await root.read("a"), "new\n");
      assert.deepEqual(new Set(await readdir(root.root)), before);
    }));

  it("does not replace a directory, and leaves nothing behind", () =>
    withRoot(async (root) => {
      await mkdir(root.path("a/b"), { recursive: true });
      await assert.rejects(putFile(root, "/a/b", file), { message: `${root.path("a/b")}: Is a directory` });
      assert.deepEqual(await readdir(root.path("a")), ["b"]);
    }));

  it("takes names as long as names can be", () =>
    withRoot(async (root) => {
      const name = "n".repeat(255);
      await putFile(root, `/${name}`, file);
      assert.equal(await root.read(name), "hello\n");
      await assert.rejects(putFile(root, `/${name}n`, file), /: File name too long$/);
    }));
});

describe("putLink", () => {
  it("makes a link, leaves it alone, and changes it in one step", () =>
    withRoot(async (root) => {
      assert.equal(await putLink(root, "/run/current-system", "/a"), true);
      assert.equal(await putLink(root, "/run/current-system", "/a"), false);
      assert.equal(await putLink(root, "/run/current-system", "/b"), true);
      assert.equal(await readlink(root.path("run/current-system")), "/b");
      await root.write("run/file", "");
      assert.equal(await putLink(root, "/run/file", "x"), true);
      assert.equal(await readlink(root.path("run/file")), "x");
      assert.deepEqual(await readdir(root.path("run")), ["current-system", "file"]);
    }));

  it("does not replace a directory", () =>
    withRoot(async (root) => {
      await mkdir(root.path("d"));
      await assert.rejects(putLink(root, "/d", "x"), {
        message: `${root.path("d")}: a directory is where a link is to be`,
      });
    }));
});

describe("remove", () => {
  it("removes files, links and directories with what is in them, and follows nothing", () =>
    withRoot(async (root) => {
      await root.write("keep/file", "");
      await root.write("a/b/c", "");
      await writeFile(Buffer.concat([Buffer.from(root.path("a/")), Buffer.from([0xff, 0x41])]), "");
      await symlink("../keep", root.path("a/link"));
      await symlink("/keep", root.path("link"));
      await remove(root, "/a");
      await remove(root, "/link");
      await remove(root, "/none");
      await remove(root, "/none/below");
      assert.deepEqual(Object.keys(await root.listing()), ["keep", "keep/file"]);
    }));

  it("removes directories deeper than descriptors go", () =>
    withRoot(async (root) => {
      await mkdir(root.path(`deep/${"d/".repeat(300)}`), { recursive: true });
      const module = new URL("../../../src/services/activation/put.js", import.meta.url).href;
      const program = `const { remove } = await import(${JSON.stringify(module)});
        await remove({ root: ${JSON.stringify(root.root)} }, "/deep");`;
      const limited = 'ulimit -n 120; exec "$0" --input-type=module -e "$1"';
      await promisify(execFile)("sh", ["-c", limited, process.execPath, program]);
      assert.deepEqual(await readdir(root.root), []);
    }));

  it("empties a directory, and says what could not be removed", { skip: needsRoot }, () =>
    withRoot(async (root) => {
      await root.write("tmp/a/b", "");
      await root.write("tmp/c", "");
      assert.deepEqual(await within(openPlace(root, "/tmp"), emptyDirectory), []);
      assert.deepEqual(await readdir(root.path("tmp")), []);
      assert.equal((await stat(root.path("tmp"))).isDirectory(), true);
    }),
  );
});

describe("names that are no names", () => {
  it("are refused", () =>
    withRoot(async (root) => {
      for (const path of ["/", "", "/.."])
        await assert.rejects(remove(root, path), {
          message: `${path}: not the name of something in a directory`,
        });
      await assert.rejects(putFile(root, "/a\0b", { contents: "", mode: 0o600, ...ours }), /null bytes/);
      assert.deepEqual(await readdir(root.root), []);
    }));
});
