// Names of users and groups become ids, without any of the supervisor's own privileges.

import assert from "node:assert/strict";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { AccountError, identityOf, identityResolver, parseAccounts } from "../../src/daemon/accounts.js";

const passwd = `root:x:0:0:root:/root:/bin/bash
www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin
ada:x:1000:1001:Ada:/home/ada:/bin/bash
1000:x:77:78:a name that looks like a number::
`;
const group = `root:x:0:
www-data:x:33:ada
ada:x:1001:
audio:x:29:pulse,ada
empty:x:30:
`;
const accounts = parseAccounts(passwd, group);

const identities = [
  { wanted: {}, is: {} },
  { wanted: { user: "www-data" }, is: { uid: 33, gid: 33, groups: [33] } },
  { wanted: { user: 33 }, is: { uid: 33, gid: 33, groups: [33] } },
  { wanted: { user: "33" }, is: { uid: 33, gid: 33, groups: [33] } },
  { wanted: { user: "root" }, is: { uid: 0, gid: 0, groups: [0] } },
  { wanted: { user: "ada" }, is: { uid: 1000, gid: 1001, groups: [1001, 33, 29] } },
  { wanted: { user: "ada", group: "audio" }, is: { uid: 1000, gid: 29, groups: [29, 33] } },
  {
    wanted: { user: "ada", supplementaryGroups: ["empty", 5, 33] },
    is: { uid: 1000, gid: 1001, groups: [1001, 33, 29, 30, 5] },
  },
  { wanted: { group: "audio" }, is: { gid: 29, groups: [29] } },
  { wanted: { group: 4242 }, is: { gid: 4242, groups: [4242] } },
  { wanted: { supplementaryGroups: ["audio"] }, is: { groups: [29] } },
  { wanted: { supplementaryGroups: [] }, is: {} },
  // Without an entry there is no group to take but the one of the same number: never the supervisor's.
  { wanted: { user: 4242 }, is: { uid: 4242, gid: 4242, groups: [4242] } },
  { wanted: { user: "1000" }, is: { uid: 77, gid: 78, groups: [78] } },
  { wanted: { user: 1000 }, is: { uid: 1000, gid: 1001, groups: [1001, 33, 29] } },
] as const;

for (const { wanted, is } of identities) {
  test(`${JSON.stringify(wanted)} is ${JSON.stringify(is)}`, () => {
    const { account: _, ...ids } = identityOf(wanted, accounts);
    assert.deepEqual(ids, is);
  });
}

test("a user with an entry brings its name and home along, any other none", () => {
  assert.deepEqual(identityOf({ user: 1000 }, accounts).account, { name: "ada", home: "/home/ada" });
  assert.equal(identityOf({ user: 4242 }, accounts).account, undefined);
  assert.equal(identityOf({ group: "audio" }, accounts).account, undefined);
});

const refusals = [
  { wanted: { user: "nobodyx" }, message: 'user "nobodyx" does not exist (looked in /etc/passwd)' },
  { wanted: { group: "nogroupx" }, message: 'group "nogroupx" does not exist (looked in /etc/group)' },
  {
    wanted: { user: "ada", supplementaryGroups: ["audio", "video"] },
    message: 'group "video" does not exist (looked in /etc/group)',
  },
  // To the kernel this number says "leave the uid as it is": root's.
  { wanted: { user: "4294967295" }, message: 'user "4294967295" does not exist (looked in /etc/passwd)' },
  // And these 32 bits are 0.
  { wanted: { group: "4294967296" }, message: 'group "4294967296" does not exist (looked in /etc/group)' },
  { wanted: { user: "-1" }, message: 'user "-1" does not exist (looked in /etc/passwd)' },
  { wanted: { user: "" }, message: 'user "" does not exist (looked in /etc/passwd)' },
] as const;

for (const { wanted, message } of refusals) {
  test(`${JSON.stringify(wanted)} is refused`, () => {
    assert.throws(
      () => identityOf(wanted, accounts),
      (error: unknown) => error instanceof AccountError && error.message === message,
    );
  });
}

test("malformed lines are passed over", () => {
  const { users, groups } = parseAccounts(
    "\n# comment\nbroken\nhalf:x:12\n+::::::\nminus:x:-1:0::/:\nall:x:4294967295:0::/:\nok:x:5:6::/:/bin/sh",
    "\nbroken\n+:::\nok:x:6:,a,,b",
  );
  assert.deepEqual(users, [{ name: "ok", uid: 5, gid: 6, home: "/" }]);
  assert.deepEqual(groups, [{ name: "ok", gid: 6, members: ["a", "b"] }]);
});

test("files are read again when they changed, and may be absent", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "shepherd-accounts-"));
  t.after(() => rm(directory, { recursive: true }));
  const passwdFile = join(directory, "passwd");
  const groupFile = join(directory, "group");
  const resolve = identityResolver(passwdFile, groupFile);
  const ids = async (wanted: { user: string }) => {
    const { account: _, ...rest } = await resolve(wanted);
    return rest;
  };

  await assert.rejects(resolve({ user: "ada" }), /user "ada" does not exist/);
  assert.deepEqual(await resolve({ user: 7 }), { uid: 7, gid: 7, groups: [7] });
  await writeFile(passwdFile, "ada:x:1:2::/:\n");
  assert.deepEqual(await ids({ user: "ada" }), { uid: 1, gid: 2, groups: [2] });
  await writeFile(groupFile, "g:x:3:ada\n");
  assert.deepEqual(await ids({ user: "ada" }), { uid: 1, gid: 2, groups: [2, 3] });
  await writeFile(passwdFile, "ada:x:10:20::/:\n");
  assert.deepEqual(await ids({ user: "ada" }), { uid: 10, gid: 20, groups: [20, 3] });
  await rm(passwdFile);
  await assert.rejects(resolve({ user: "ada" }), /user "ada" does not exist/);
});

test("a file that cannot be read is named", async (t) => {
  const directory = await mkdtemp(join(tmpdir(), "shepherd-accounts-"));
  t.after(() => rm(directory, { recursive: true }));
  await assert.rejects(
    identityResolver(directory, join(directory, "absent"))({ user: "ada" }),
    (error: unknown) =>
      error instanceof AccountError && error.message.startsWith(`read ${directory}: EISDIR`),
  );
});
