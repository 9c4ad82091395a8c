// The script that has guix-daemon trust keys.

import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { aclScript } from "../../../src/services/guix/guix-acl.js";
import { temporaryDirectory, textOf } from "../parts.js";

describe("the script that trusts keys", () => {
  async function place(t: Parameters<typeof temporaryDirectory>[0]) {
    const root = await temporaryDirectory(t);
    const text = textOf(aclScript)
      .replaceAll("/var/lib/shepherd/guix", join(root, "state"))
      .replaceAll("/etc/guix", join(root, "etc"));
    writeFileSync(join(root, "script"), text, { mode: 0o755 });
    writeFileSync(join(root, "one.pub"), "(public-key (ecc (q #01#)))\n");
    writeFileSync(join(root, "two.pub"), "(public-key (ecc (q #02#)))\n");
    return {
      path: (name: string) => join(root, name),
      run: (...keys: readonly string[]) =>
        spawnSync(
          join(root, "script"),
          keys.map((key) => join(root, key)),
          { encoding: "utf8" },
        ),
    };
  }

  it("makes the list, and does the same once more", async (t) => {
    const { path, run } = await place(t);
    for (const _ of [1, 2]) {
      const { status, stderr } = run("one.pub", "two.pub");
      assert.equal(status, 0, stderr);
      assert.equal(readlinkSync(path("etc/acl")), path("state/acl"));
      assert.equal(
        readFileSync(path("etc/acl"), "utf8"),
        `(acl
 (entry
(public-key (ecc (q #01#)))
  (tag (guix import)))
 (entry
(public-key (ecc (q #02#)))
  (tag (guix import)))
)
`,
      );
      assert.equal(existsSync(path("etc/acl.bak")), false);
    }
  });

  it("keeps what somebody else has put there", async (t) => {
    const { path, run } = await place(t);
    mkdirSync(path("etc"));
    writeFileSync(path("etc/acl"), "mine\n");
    assert.equal(run("one.pub").status, 0);
    assert.equal(readFileSync(path("etc/acl.bak"), "utf8"), "mine\n");
    assert.ok(lstatSync(path("etc/acl")).isSymbolicLink());
  });

  it("keeps a link that leads elsewhere, even to nothing", async (t) => {
    const { path, run } = await place(t);
    mkdirSync(path("etc"));
    symlinkSync("/gnu/store/nope-acl", path("etc/acl"));
    assert.equal(run().status, 0);
    assert.equal(readlinkSync(path("etc/acl.bak")), "/gnu/store/nope-acl");
    assert.equal(readFileSync(path("etc/acl"), "utf8"), "(acl\n)\n");
  });

  it("changes nothing where a key is missing, or is none", async (t) => {
    const { path, run } = await place(t);
    assert.equal(run("one.pub").status, 0);
    const before = readFileSync(path("etc/acl"), "utf8");
    for (const key of ["nope.pub", "script.none"]) {
      writeFileSync(path("script.none"), "nothing of that kind\n");
      const { status, stderr } = run("two.pub", key);
      assert.equal(status, 1);
      assert.match(stderr, new RegExp(`${key.replace(".", "\\.")}: there is no public key in it`));
      assert.equal(readFileSync(path("etc/acl"), "utf8"), before);
    }
  });
});
