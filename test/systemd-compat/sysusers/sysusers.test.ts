// Our sysusers against systemd's own, and what it does where that is not compared.

import assert from "node:assert/strict";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type TestContext, test } from "node:test";
import { formatDiagnostic } from "../../../systemd-compat/diagnostics.js";
import { applySysusers } from "../../../systemd-compat/sysusers/apply.js";
import { runReference, setUp, whyNoReference } from "../tmpfiles/reference.js";
import { makeTree, type Tree } from "../trees.js";

const skip = whyNoReference("systemd-sysusers");
const databases = ["passwd", "group", "shadow", "gshadow"] as const;

/** The databases below a root. */
const contentsOf = (root: string): Readonly<Record<string, string>> =>
  Object.fromEntries(
    databases.map((name) => {
      const file = join(root, "etc", name);
      return [name, existsSync(file) ? readFileSync(file, "utf8") : ""];
    }),
  );

async function compare(
  context: TestContext,
  tree: Tree,
  script = "",
): Promise<Readonly<Record<string, string>>> {
  const place = mkdtempSync(join(tmpdir(), "shepherd-sysusers-"));
  context.after(() => rmSync(place, { recursive: true, force: true }));
  const [theirs, ours] = [join(place, "theirs"), join(place, "ours")];
  for (const root of [theirs, ours]) {
    mkdirSync(join(root, "etc"), { recursive: true });
    for (const [name, text] of Object.entries(tree)) {
      mkdirSync(dirname(join(root, name)), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    setUp(root, script);
  }
  assert.equal(runReference("systemd-sysusers", theirs, []), 0);
  await applySysusers({ root: ours });
  const contents = contentsOf(ours);
  assert.deepEqual(contents, contentsOf(theirs));
  return contents;
}

const lines = `u a1 - "A one" /var/lib/a1 /bin/bash
u a2 555 "A two"
u a3 /srv/f
u inrange /srv/inrange
u a4 600:a1grp
g a1grp 601
u a5 -:a1grp "x"
m a1 a2grp
g a6 602
u a7 602
m newu newg
r - 500-520
u a8
u a1 - "again"
g a9 -
u bad:name - "x"
u relative - "x" relative/home
z foo
u colon - "a:b"
u a10 555
g a11 555
u Mixed.Case 700
u a12 701:99999
g a13 /srv/inrange
u a14 1:2:3
u
m x
r x 5
r - 9-5
u long 12345678901
u many - "a" "/b" "/c" d
g texts 77 "desc"
u zero 0
m root adm
`;

test("the same accounts are made in an empty system", { skip }, async (context) => {
  const script = "mkdir srv; touch srv/f srv/inrange; chown 234:345 srv/f; chown 503:504 srv/inrange";
  const { passwd = "" } = await compare(context, { "usr/lib/sysusers.d/t.conf": lines }, script);
  assert.match(passwd, /^a1:x:\d+:\d+:A one:\/var\/lib\/a1:\/bin\/bash$/m);
});

test("the same accounts are added to a system that has some", { skip }, async (context) => {
  const { group = "" } = await compare(context, {
    "etc/passwd":
      "root:x:0:0::/root:/bin/sh\nzed:x:1000:1000::/h:/bin/sh\nsolo:x:997:100::/:/bin/sh\n+::::::\n",
    "etc/group": "root:x:0:\nzed:x:1000:\nold:x:990:zed,abe\n",
    "etc/shadow": "root:*:1::::::\n",
    "etc/gshadow": "root:*::\nold:!::zed\n",
    "usr/lib/sysusers.d/b.conf":
      'u aaa - "x"\nm zed old\nm aaa old\nm aaa zed\ng bbb 999\nu ccc 998\nu ddd -\nu eee 1:old\nu fff 990:no\n',
    "usr/lib/sysusers.d/a.conf": "u ccc 997\n",
    "etc/sysusers.d/b2.conf": "u zed\n",
  });
  assert.match(group, /^old:x:990:aaa,abe,zed$/m);
});

const corpora = [
  "/usr/lib/sysusers.d",
  ...(process.env.SYSUSERS_CORPUS === undefined ? [] : [process.env.SYSUSERS_CORPUS]),
];
for (const corpus of corpora.filter(existsSync))
  test(`files of packages have the same effect: ${corpus}`, { skip }, async (context) => {
    const files = readdirSync(corpus).filter((name) => name.endsWith(".conf"));
    const tree = Object.fromEntries(
      files.map((file) => [`usr/lib/sysusers.d/${file}`, readFileSync(join(corpus, file), "utf8")]),
    );
    await compare(context, tree);
    context.diagnostic(`${files.length} files compared`);
  });

test("a second time nothing is changed", async (context) => {
  const root = makeTree(context, { "etc/passwd": "", "usr/lib/sysusers.d/t.conf": "u one\nm one two\n" });
  const first = await applySysusers({ root });
  const before = contentsOf(root);
  const second = await applySysusers({ root });
  assert.equal(first.made.length, 3);
  assert.deepEqual(second.made, []);
  assert.deepEqual(contentsOf(root), before);
  assert.ok(!existsSync(join(root, "etc/passwd.lock")));
});

test("a dry run changes nothing", async (context) => {
  const root = makeTree(context, { "etc/passwd": "" });
  const source = { file: "t.conf", text: "u one\n" };
  const { made } = await applySysusers({ root, sources: [source], dryRun: true });
  assert.equal(made.length, 2);
  assert.equal(readFileSync(join(root, "etc/passwd"), "utf8"), "");
});

test("texts in the place of a file count at its place, unless /etc has another one", async (context) => {
  const root = makeTree(context, {
    "etc/passwd": "",
    "usr/lib/sysusers.d/a.conf": "u one 100\n",
    "usr/lib/sysusers.d/c.conf": "u one 102\n",
  });
  const sources = [{ file: "<text>", text: "u one 101\nu two 103\n" }];
  await applySysusers({ root, replaced: { file: "/usr/lib/sysusers.d/b.conf", sources } });
  assert.match(contentsOf(root).passwd ?? "", /^one:x:100:100:.*\ntwo:x:103:103:/);
});

test("what is wrong is told with file and line, and a full range too", async (context) => {
  const root = makeTree(context, { "etc/passwd": "" });
  const sources = [{ file: "t.conf", text: "u 1x\nr - 5\nu one\nu two\n" }];
  const { diagnostics, made } = await applySysusers({ root, sources });
  assert.deepEqual(diagnostics.map(formatDiagnostic), [
    't.conf:1: expected the name of a user, got "1x": up to 31 letters, digits and any of _-, the line is ignored',
    "t.conf:4: no number is free for the group two, it is not made",
  ]);
  assert.deepEqual(made, ["group one (5)", "user one (5)"]);
});
