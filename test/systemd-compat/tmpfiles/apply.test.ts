// What files of tmpfiles.d bring about, where that is not compared with systemd's own program.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync, lstatSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { test } from "node:test";
import { formatDiagnostic } from "../../../systemd-compat/diagnostics.js";
import {
  applyTmpfiles,
  type TmpfilesOptions,
  type TmpfilesOutcome,
} from "../../../systemd-compat/tmpfiles/apply.js";
import { makeTree } from "../trees.js";

const isRoot = process.geteuid?.() === 0;
const skip = isRoot ? false : "only root can give files to others";

const apply = (root: string, text: string, options: TmpfilesOptions = {}): Promise<TmpfilesOutcome> =>
  applyTmpfiles({ root, create: true, sources: [{ file: "t.conf", text }], ...options });

const said = ({ diagnostics }: TmpfilesOutcome): readonly string[] => diagnostics.map(formatDiagnostic);

test("a file in /etc takes the place of one by the same name, and a link to /dev/null hides one", async (context) => {
  const root = makeTree(context, {
    "etc/tmpfiles.d/a.conf": "d /a-of-etc\n",
    "usr/lib/tmpfiles.d/a.conf": "d /a-of-usr\n",
    "etc/tmpfiles.d/b.conf": "→ /dev/null",
    "usr/lib/tmpfiles.d/b.conf": "d /b\n",
    "run/tmpfiles.d/c.conf": "d /c\n",
    "usr/lib/tmpfiles.d/README": "d /d\n",
  });
  await applyTmpfiles({ root, create: true });
  const there = ["a-of-etc", "a-of-usr", "b", "c", "d"].filter((name) => existsSync(join(root, name)));
  assert.deepEqual(there, ["a-of-etc", "c"]);
});

test("mistakes are told with file and line, and the other lines count", async (context) => {
  const root = makeTree(context, {});
  const outcome = await apply(root, "# a comment\nk /x\n\nd /y\nd relative\nd /up/../x\n");
  assert.deepEqual(said(outcome), [
    't.conf:2: unknown type "k", the line is ignored',
    't.conf:5: the path "relative" is not absolute, the line is ignored',
    't.conf:6: the path "/up/../x" has ".." in it, the line is ignored',
  ]);
  assert.equal(outcome.isInvalid, true);
  assert.equal(outcome.hasFailed, false);
  assert.ok(lstatSync(join(root, "y")).isDirectory());
});

test("a user that does not exist is a mistake, unless it is to be none", async (context) => {
  const root = makeTree(context, {});
  assert.equal((await apply(root, "d /x - nobody-of-that-name\n")).isInvalid, true);
  assert.equal((await apply(root, "d /x - nobody-of-that-name\n", { graceful: true })).isInvalid, false);
  assert.equal(existsSync(join(root, "x")), false);
});

test("lines for other places are left out by prefixes", async (context) => {
  const root = makeTree(context, {});
  const text = "d /a/b\nd /ab\nd /a/c\n";
  await apply(root, text, { prefixes: ["/a/"], excludedPrefixes: ["/a/c"] });
  assert.deepEqual(
    ["a/b", "ab", "a/c"].map((name) => existsSync(join(root, name))),
    [true, false, false],
  );
});

test("a link that a user has planted leads nowhere", { skip }, async (context) => {
  const root = makeTree(context, { "etc/secret": "kept\n" });
  const home = join(root, "home");
  mkdirSync(home);
  symlinkSync("../etc", join(home, "link"));
  symlinkSync("../etc/secret", join(home, "file"));
  execFileSync("chown", ["-h", "1000:1000", home, join(home, "link"), join(home, "file")]);
  const text = [
    "d /home/link/new",
    "f+ /home/file - - - - gone",
    "w /home/file - - - - gone",
    "z /home/link/secret 0777",
  ];
  const outcome = await apply(root, `${text.join("\n")}\n`);
  assert.equal(readFileSync(join(root, "etc/secret"), "utf8"), "kept\n");
  assert.equal(existsSync(join(root, "etc/new")), false);
  assert.equal(lstatSync(join(root, "etc/secret")).mode & 0o777, 0o644);
  assert.equal(outcome.hasFailed, true);
});

test("contents come from a credential, where it is there", async (context) => {
  const root = makeTree(context, { "credentials/secret": "aGVsbG8=" });
  const credentials = join(root, "credentials");
  await apply(root, "f^ /plain - - - - secret\nf^~ /decoded - - - - secret\nf^ /missing - - - - other\n", {
    credentials,
  });
  assert.equal(readFileSync(join(root, "plain"), "utf8"), "aGVsbG8=");
  assert.equal(readFileSync(join(root, "decoded"), "utf8"), "hello");
  assert.equal(existsSync(join(root, "missing")), false);
});

test("what is to be copied may be missing, and a failure may be tolerated", async (context) => {
  const root = makeTree(context, { file: "" });
  const outcome = await apply(root, "C /copy - - - - /nowhere\nf- /file/below\n");
  assert.equal(outcome.hasFailed, false);
  assert.deepEqual(
    outcome.diagnostics.map(({ severity, line }) => [severity, line]),
    [
      ["notice", 1],
      ["warning", 2],
    ],
  );
});

test("hostile files end: a long line, a NUL, many alternatives, a deep path", async (context) => {
  const root = makeTree(context, {});
  const long = `d /${"x".repeat(2 ** 21)}`;
  const deep = `d /${"a/".repeat(3000)}`;
  const many = `r /${"{a,b}".repeat(40)}`;
  const outcome = await apply(root, [long, "d /nul\0", deep, many, 'd "', "d /ok"].join("\n"), {
    remove: true,
  });
  assert.ok(existsSync(join(root, "ok")));
  assert.equal(outcome.isInvalid, true);
});

test("nothing is done to what is right already", { skip }, async (context) => {
  const root = makeTree(context, {});
  const text = "d /d 0750\nf /f 0640 - - - text\nL /l - - - - d\np /p 0600\n";
  await apply(root, text);
  const inodes = () => ["d", "f", "l", "p"].map((name) => lstatSync(join(root, name), { bigint: true }));
  const before = inodes();
  writeFileSync(join(root, "f"), "changed");
  await apply(root, text);
  assert.deepEqual(
    inodes().map(({ ino, ctimeNs }, index) => [ino, index === 1 || ctimeNs === before[index]?.ctimeNs]),
    before.map(({ ino }) => [ino, true]),
  );
  assert.equal(readFileSync(join(root, "f"), "utf8"), "changed");
});
