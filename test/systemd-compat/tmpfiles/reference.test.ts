// Our tmpfiles against systemd's own, over the same trees.

import assert from "node:assert/strict";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { applyTmpfiles, type TmpfilesOptions } from "../../../systemd-compat/tmpfiles/apply.js";
import { type Battery, cleaning, creation } from "./batteries.js";
import { listingOf } from "./listing.js";
import { runReference, setUp, whyNoReference } from "./reference.js";

const skip = whyNoReference("systemd-tmpfiles");

/** Two roots with the same in them. */
function twins(context: TestContext, prepare: (root: string) => void): readonly [string, string] {
  const place = mkdtempSync(join(tmpdir(), "shepherd-tmpfiles-"));
  context.after(() => rmSync(place, { recursive: true, force: true }));
  const made = ["theirs", "ours"].map((name) => {
    const root = join(place, name);
    for (const directory of ["etc", "usr/lib/tmpfiles.d", "tmp", "var", "run", "dev", "root"])
      mkdirSync(join(root, directory), { recursive: true });
    cpSync("/etc/os-release", join(root, "etc/os-release"), { dereference: true });
    writeFileSync(join(root, "etc/machine-id"), "0123456789abcdef0123456789abcdef\n");
    writeFileSync(
      join(root, "etc/passwd"),
      "root:x:0:0::/root:/bin/sh\ndaemon:x:1:1::/:/bin/sh\nmail:x:8:8::/:/bin/sh\n",
    );
    writeFileSync(join(root, "etc/group"), "root:x:0:\ndaemon:x:1:\nmail:x:8:\n");
    prepare(root);
    return root;
  });
  const [theirs = "", ours = ""] = made;
  return [theirs, ours];
}

const withBattery =
  ({ lines, script }: Battery) =>
  (root: string): void => {
    writeFileSync(join(root, "usr/lib/tmpfiles.d/t.conf"), lines);
    setUp(root, script);
  };

type Flags = Pick<TmpfilesOptions, "create" | "remove" | "clean" | "boot">;

async function compare(context: TestContext, prepare: (root: string) => void, flags: Flags): Promise<number> {
  const [theirs, ours] = twins(context, prepare);
  const status = runReference(
    "systemd-tmpfiles",
    theirs,
    Object.keys(flags).map((flag) => `--${flag}`),
  );
  const outcome = await applyTmpfiles({ root: ours, ...flags });
  const listing = listingOf(ours);
  const reference = listingOf(theirs);
  assert.deepEqual(
    listing.filter((line) => !reference.includes(line)),
    reference.filter((line) => !listing.includes(line)),
  );
  const expected = outcome.isInvalid ? 65 : outcome.hasFailed ? 73 : 0;
  assert.equal(expected, status, JSON.stringify(outcome.diagnostics, undefined, 1));
  return listing.length;
}

test("lines of all types make and change the same", { skip }, async (context) => {
  await compare(context, withBattery(creation), { create: true });
  await compare(context, withBattery(creation), { create: true, boot: true });
});

test("lines of all types remove the same", { skip }, async (context) => {
  await compare(context, withBattery(creation), { remove: true, boot: true });
  await compare(context, withBattery(creation), { create: true, remove: true, boot: true });
});

test("cleaning removes the same", { skip }, async (context) => {
  await compare(context, withBattery(cleaning), { clean: true });
});

/** Directories of files of packages: this machine's, and those that the environment names. */
const corpora = [
  "/usr/lib/tmpfiles.d",
  ...(process.env.TMPFILES_CORPUS === undefined ? [] : [process.env.TMPFILES_CORPUS]),
].filter(existsSync);

for (const corpus of corpora)
  test(`files of packages have the same effect: ${corpus}`, { skip }, async (context) => {
    const files = readdirSync(corpus).filter((name) => name.endsWith(".conf"));
    const names = new Set(files.flatMap((file) => accountsIn(readFileSync(join(corpus, file), "utf8"))));
    const entries = [...names].map((name, index) => ({ name, id: 2000 + index }));
    const count = await compare(
      context,
      (root) => {
        for (const file of files)
          cpSync(join(corpus, file), join(root, "usr/lib/tmpfiles.d", file), { dereference: true });
        for (const { name, id } of entries) {
          const flag = { flag: "a" };
          writeFileSync(join(root, "etc/passwd"), `${name}:x:${id}:${id}::/:/bin/sh\n`, flag);
          writeFileSync(join(root, "etc/group"), `${name}:x:${id}:\n`, flag);
        }
        for (const directory of ["run", "home"]) mkdirSync(join(root, directory), { recursive: true });
      },
      { create: true, remove: true, boot: true },
    );
    context.diagnostic(`${files.length} files, ${count} files and directories compared`);
  });

/** The names of users and groups in a file. */
function accountsIn(text: string): readonly string[] {
  return text.split("\n").flatMap((line) => {
    const [type = "#", , , user = "-", group = "-"] = line.trim().split(/\s+/);
    const known = ["root", "daemon", "mail"];
    return type.startsWith("#")
      ? []
      : [user, group].filter((name) => /^[a-z_]/.test(name) && !known.includes(name));
  });
}
