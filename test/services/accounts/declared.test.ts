// What is declared about accounts: duplicates, groups that nobody declares, and wrong fields.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { baseGroups, baseUserAccounts, rootAccount } from "../../../src/services/accounts/base.js";
import { declaredAccounts } from "../../../src/services/accounts/declared.js";
import { homeDirectoryOf, userAccount, userGroup } from "../../../src/services/accounts/records.js";
import { mistake, untyped } from "../../daemon/definition/support.js";

const users = userGroup({ name: "users" });

describe("declared accounts", () => {
  it("count once where one object comes twice, without a word", () => {
    const alice = userAccount({ name: "alice", group: "users" });
    const { users: found, warnings } = declaredAccounts([users, users, alice, alice]);
    assert.deepEqual(found, [alice]);
    assert.deepEqual(warnings, []);
  });

  it("are warned of by name where two differ, and the first counts", () => {
    const first = userAccount({ name: "alice", group: "users", comment: "First" });
    const second = userAccount({ name: "alice", group: "users", comment: "Second" });
    const otherGroup = userGroup({ name: "users", system: true });
    const { users: found, groups, warnings } = declaredAccounts([users, first, second, otherGroup]);
    assert.deepEqual(found, [first]);
    assert.deepEqual(groups, [users]);
    assert.deepEqual(warnings, [
      "the following accounts appear more than once: alice",
      "the following groups appear more than once: users",
    ]);
  });

  it("must be in groups that are declared", () => {
    const eve = userAccount({ name: "eve", group: "eves" });
    assert.equal(
      mistake(() => declaredAccounts([users, eve])),
      "primary group 'eves' of user 'eve' is undeclared",
    );
    const mallory = userAccount({ name: "mallory", group: "users", supplementaryGroups: ["kvm"] });
    assert.equal(
      mistake(() => declaredAccounts([users, mallory])),
      "supplementary group 'kvm' of user 'mallory' is undeclared",
    );
    assert.equal(declaredAccounts([userAccount({ name: "number", group: 12 })]).users.length, 1);
  });

  it("of a base system stand by themselves", () => {
    const { groups } = declaredAccounts([...baseGroups, rootAccount, ...baseUserAccounts]);
    for (const name of ["root", "nogroup", "kvm", "tty", "users", "wheel"])
      assert.ok(
        groups.some((one) => one.name === name),
        name,
      );
  });
});

describe("userAccount and userGroup", () => {
  it("have Guix's defaults", () => {
    const account = userAccount({ name: "alice", group: "users" });
    assert.deepEqual(account, {
      name: "alice",
      password: undefined,
      uid: undefined,
      group: "users",
      supplementaryGroups: [],
      comment: "",
      homeDirectory: undefined,
      createHomeDirectory: true,
      shell: "/bin/bash",
      system: false,
    });
    assert.deepEqual(users, { name: "users", password: undefined, id: undefined, system: false });
  });

  it("have a home that follows the name, also in a copy", () => {
    const alice = userAccount({ name: "alice", group: "users" });
    assert.equal(homeDirectoryOf(alice), "/home/alice");
    assert.equal(homeDirectoryOf(userAccount({ ...alice, name: "bob" })), "/home/bob");
    assert.equal(homeDirectoryOf(userAccount({ ...alice, homeDirectory: "/srv/a" })), "/srv/a");
  });

  const mistakes: readonly (readonly [given: Record<string, unknown>, message: string])[] = [
    [{ group: "users" }, 'userAccount: field "name" missing'],
    [{ name: "a" }, 'userAccount: field "group" missing'],
    [{}, 'userAccount: fields "name", "group" missing'],
    [{ name: "a", group: "g", shel: "/bin/sh" }, 'unknown field "shel"; did you mean "shell"?'],
    [{ name: "a:b", group: "g" }, 'field "name": expected a name of up to 64'],
    [{ name: "", group: "g" }, 'field "name": expected'],
    [{ name: "-a", group: "g" }, 'field "name": expected'],
    [{ name: "a\n", group: "g" }, 'field "name": expected'],
    [{ name: "a", group: -1 }, 'field "group": expected the name of a group or a number'],
    [{ name: "a", group: "g", uid: 2 ** 32 - 1 }, 'field "uid": expected a number from 0 to 4294967294'],
    [{ name: "a", group: "g", comment: "a:b" }, 'field "comment": expected a string without colons'],
    [{ name: "a", group: "g", comment: "a\nroot::0:0::/:/bin/sh" }, 'field "comment": expected'],
    [
      { name: "a", group: "g", homeDirectory: "home" },
      'field "homeDirectory": expected an absolute file name',
    ],
    [{ name: "a", group: "g", shell: "bash" }, 'field "shell": expected an absolute file name, or a file'],
    [{ name: "a", group: "g", system: "yes" }, 'field "system": expected true or false'],
    [{ name: "a", group: "g", supplementaryGroups: "kvm" }, 'field "supplementaryGroups": expected a list'],
    [{ name: "a", group: "g", password: "a:b" }, 'field "password": expected an encrypted password'],
  ];
  for (const [given, message] of mistakes)
    it(`refuse ${JSON.stringify(given)}`, () => {
      const got = mistake(() => userAccount(untyped(given)));
      assert.ok(got.includes(message), got);
    });
});
