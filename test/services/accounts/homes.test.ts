// Home directories.

import assert from "node:assert/strict";
import { lstat, mkdir, readlink, stat, symlink } from "node:fs/promises";
import { describe, it } from "node:test";
import { makeHomes, makeSystemHomes } from "../../../src/services/accounts/homes.js";
import { userAccount } from "../../../src/services/accounts/records.js";
import { homesOf } from "../../../src/services/accounts/user-homes.js";
import { needsRoot, type TemporaryRoot, withRoot } from "../support.js";

const daemon = (name: string, homeDirectory: string) => ({
  ...userAccount({ name, group: "daemons", system: true, homeDirectory }),
  homeDirectory,
});

async function withAccounts(use: (root: TemporaryRoot) => Promise<void>): Promise<void> {
  await withRoot(async (root) => {
    await root.write(
      "etc/passwd",
      "alice:x:1000:100::/home/alice:/bin/sh\na:x:901:900::/var/lib/a:/bin/sh\nb:x:902:900::/var/empty:/bin/sh\n",
    );
    await root.write("etc/group", "users:x:100:\ndaemons:x:900:\n");
    await use(root);
  });
}

async function described(root: TemporaryRoot, name: string): Promise<string> {
  const { mode, uid, gid } = await stat(root.path(name));
  return `${(mode & 0o7777).toString(8)} ${uid}:${gid}`;
}

describe("homes of the system's accounts", { skip: needsRoot }, () => {
  it("are the account's alone, and shared ones nobody's", () =>
    withAccounts(async (root) => {
      const c = daemon("a", "/var/empty");
      await makeSystemHomes(root, [daemon("a", "/var/lib/a"), daemon("b", "/var/empty"), c]);
      assert.equal(await described(root, "var/lib/a"), "700 901:900");
      assert.equal(await described(root, "var/empty"), "555 0:0");
      assert.equal(await described(root, "var/lib"), "755 0:0");
    }));

  it("keep the permissions that they have got since", () =>
    withAccounts(async (root) => {
      await mkdir(root.path("var/lib/a"), { recursive: true, mode: 0o755 });
      await makeSystemHomes(root, [daemon("a", "/var/lib/a")]);
      assert.equal(await described(root, "var/lib/a"), "755 901:900");
    }));

  it("are not made for people, nor where they are not wanted, nor of the root of the file system", () =>
    withAccounts(async (root) => {
      const before = await described(root, ".");
      const alice = { ...userAccount({ name: "alice", group: "users" }), homeDirectory: "/home/alice" };
      await makeSystemHomes(root, [
        alice,
        { ...daemon("a", "/srv/none"), createHomeDirectory: false },
        daemon("b", "/"),
        daemon("a", "//"),
      ]);
      await assert.rejects(lstat(root.path("home")), { code: "ENOENT" });
      await assert.rejects(lstat(root.path("srv")), { code: "ENOENT" });
      assert.equal(await described(root, "."), before);
    }));
});

describe("user-homes", () => {
  it("is for people whose home is to be made", () => {
    const users = [
      userAccount({ name: "alice", group: "users" }),
      userAccount({ name: "bob", group: "users", homeDirectory: "/srv/bob" }),
      userAccount({ name: "carol", group: "users", createHomeDirectory: false }),
      userAccount({ name: "tor", group: "tor", system: true }),
    ];
    assert.deepEqual(homesOf(users), [
      { user: "alice", directory: "/home/alice" },
      { user: "bob", directory: "/srv/bob" },
    ]);
  });

  it("copies skeletons, and gives all of it to the user", { skip: needsRoot }, () =>
    withAccounts(async (root) => {
      await root.write("skeletons/.profile", "PS1=$\n");
      await root.write("skeletons/.config/deep/file", "x\n");
      await symlink(".profile", root.path("skeletons/.bash_profile"));
      await symlink("/skeletons", root.path("etc/skel"));
      await makeHomes(root, [{ user: "alice", directory: "/home/alice" }]);
      assert.equal(await described(root, "home/alice"), "700 1000:100");
      assert.equal(await root.read("home/alice/.profile"), "PS1=$\n");
      assert.equal(await described(root, "home/alice/.config/deep/file"), "644 1000:100");
      assert.equal(await described(root, "home/alice/.config"), "755 1000:100");
      assert.equal(await readlink(root.path("home/alice/.bash_profile")), ".profile");
      assert.equal((await lstat(root.path("home/alice/.bash_profile"))).uid, 1000);
    }),
  );

  it("leaves alone a home that is there", { skip: needsRoot }, () =>
    withAccounts(async (root) => {
      await root.write("etc/skel/.profile", "");
      await mkdir(root.path("home/alice"), { recursive: true });
      const before = await root.listing({ exact: true });
      await makeHomes(root, [{ user: "alice", directory: "/home/alice" }]);
      assert.deepEqual(await root.listing({ exact: true }), before);
    }),
  );

  it("makes the others where one cannot be made, and says which", { skip: needsRoot }, () =>
    withAccounts(async (root) => {
      await root.write("home/file", "");
      const homes = [
        { user: "alice", directory: "/home/file/alice" },
        { user: "stranger", directory: "/home/stranger" },
        { user: "alice", directory: "/home/alice" },
      ];
      await assert.rejects(makeHomes(root, homes), {
        message: `${root.path("home/file")}: Not a directory; user "stranger" does not exist`,
      });
      assert.equal(await described(root, "home/alice"), "700 1000:100");
    }),
  );
});
