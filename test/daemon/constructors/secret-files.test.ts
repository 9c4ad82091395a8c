// Files with secrets: which are refused, and how the error tells of them.

import assert from "node:assert/strict";
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, it } from "node:test";
import {
  checkSecretFiles,
  SecretFileError,
  secretFileProblem,
} from "../../../src/daemon/constructors/secret-files.js";

const user = 1000;
const group = 1000;
const nogroup = 65_534;

function problem(mode: number, uid: number, gid: number, own = group, runner = user): string | undefined {
  return secretFileProblem({ mode: 0o100_000 | mode, uid, gid, isFile: () => true }, runner, own);
}

describe("a file that the service can read, and nobody else", () => {
  const table: readonly [mode: number, uid: number, gid: number][] = [
    [0o400, user, 0],
    [0o600, user, 5],
    [0o640, 0, group],
    [0o440, 0, group],
    [0o640, user, group],
  ];
  for (const [mode, uid, gid] of table)
    it(`${mode.toString(8)} of ${uid}:${gid} is fine`, () =>
      assert.equal(problem(mode, uid, gid), undefined));
  it("root reads its own", () => assert.equal(problem(0o600, 0, 0, 0, 0), undefined));
});

describe("any other is refused", () => {
  const table: readonly [mode: number, uid: number, gid: number, why: RegExp][] = [
    [0o644, user, group, /^everybody has access/],
    [0o604, user, group, /^everybody has access/],
    [0o602, user, group, /^everybody has access/],
    [0o600, 1001, group, /^it belongs to user 1001, neither root nor user 1000/],
    [0o660, user, group, /^its group can change it/],
    [0o640, user, 5, /^group 5 can read it/],
    [0o600, 0, group, /^user 1000, who runs the service, cannot read it/],
    [0o200, user, group, /^user 1000, who runs the service, cannot read it/],
  ];
  for (const [mode, uid, gid, why] of table)
    it(`${mode.toString(8)} of ${uid}:${gid}`, () => assert.match(problem(mode, uid, gid) ?? "", why));
  it("one that all of nogroup can read", () =>
    assert.match(problem(0o640, 0, nogroup, nogroup) ?? "", /^group 65534 can read it/));
  it("what is no regular file", () =>
    assert.equal(
      secretFileProblem({ mode: 0o40_700, uid: user, gid: group, isFile: () => false }, user, group),
      "it is no regular file",
    ));
});

describe("checkSecretFiles", () => {
  it("follows links, and names the file and its permissions", async (t) => {
    const directory = mkdtempSync(join(tmpdir(), "shepherd-"));
    t.after(() => rmSync(directory, { recursive: true }));
    const file = join(directory, "password");
    const link = join(directory, "link");
    writeFileSync(file, "hunter2\n");
    symlinkSync(file, link);
    chmodSync(file, 0o600);
    await checkSecretFiles([file, link], {});
    chmodSync(file, 0o644);
    await assert.rejects(checkSecretFiles([link], {}), (error) => {
      assert.ok(error instanceof SecretFileError);
      assert.equal(error.file, link);
      assert.equal(error.mode, 0o644);
      assert.match(
        error.message,
        /^secret file .*\/link \(mode 0644\): everybody has access to it; expected 0400/,
      );
      return true;
    });
  });

  it("says which file is missing", async () => {
    await assert.rejects(checkSecretFiles(["/nope/password"], {}), {
      message: /^secret file \/nope\/password: ENOENT: no such file or directory/,
      mode: undefined,
    });
  });
});
