// The databases of accounts as files: locks, permissions, and what others do meanwhile.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, link, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from "node:fs/promises";
import { describe, it } from "node:test";
import { lockHolder, withAccountsLocked } from "../../../src/services/accounts/lock.js";
import type { LoweredAccounts } from "../../../src/services/accounts/plan.js";
import { updateAccounts } from "../../../src/services/accounts/update.js";
import { within } from "../../../src/services/activation/directory.js";
import { openPlace } from "../../../src/services/activation/place.js";
import { type TemporaryRoot, withRoot } from "../support.js";

const accounts: LoweredAccounts = {
  step: "accounts",
  groups: [{ name: "tor", system: true }],
  users: [
    {
      name: "tor",
      group: "tor",
      supplementaryGroups: [],
      comment: "Zwiebel – Ψ",
      homeDirectory: "/var/empty",
      createHomeDirectory: true,
      shell: "/usr/sbin/nologin",
      system: true,
    },
  ],
};

async function modeOf(root: TemporaryRoot, name: string): Promise<number> {
  return (await stat(root.path(name))).mode & 0o7777;
}

/** A pid that no process has. */
async function deadPid(): Promise<number> {
  const child = spawn("true");
  const { pid } = child;
  await once(child, "exit");
  assert.ok(pid !== undefined);
  return pid;
}

describe("updateAccounts", () => {
  it("makes databases that are missing, with the usual permissions, and leaves no lock", () =>
    withRoot(async (root) => {
      assert.deepEqual(await updateAccounts(root, accounts), []);
      assert.equal(await root.read("etc/passwd"), "tor:x:999:999:Zwiebel – Ψ:/var/empty:/usr/sbin/nologin\n");
      assert.equal(await root.read("etc/group"), "tor:x:999:\n");
      assert.match(await root.read("etc/shadow"), /^tor:!:[1-9]\d{3,}::::::\n$/);
      assert.deepEqual((await readdir(root.path("etc"))).sort(), ["group", "passwd", "shadow"]);
      assert.equal(await modeOf(root, "etc/passwd"), 0o644);
      assert.equal(await modeOf(root, "etc/group"), 0o644);
      assert.equal(await modeOf(root, "etc/shadow"), 0o600);
      assert.deepEqual(JSON.parse(await root.read("var/lib/shepherd/accounts.json")), {
        version: 1,
        users: ["tor"],
        groups: ["tor"],
      });
    }));

  it("writes nothing the second time", () =>
    withRoot(async (root) => {
      await updateAccounts(root, accounts);
      const before = await root.listing({ exact: true });
      await updateAccounts(root, accounts);
      assert.deepEqual(await root.listing({ exact: true }), before);
    }));

  it("needs no lock, nor to write, where all is as it should be", () =>
    withRoot(async (root) => {
      await updateAccounts(root, accounts);
      await root.write("etc/passwd.lock", `${process.ppid}\0`);
      assert.deepEqual(await updateAccounts(root, accounts, { patience: 0 }), []);
      const other = { ...accounts, groups: [...accounts.groups, { name: "new", system: true }] };
      await assert.rejects(updateAccounts(root, other, { patience: 0 }), /passwd\.lock: held by process/);
    }));

  it("plans anew where somebody else changes a database meanwhile", () =>
    withRoot(async (root) => {
      await root.write("etc/passwd", "old:x:1000:100::/home/old:/bin/sh\n");
      let plans = 0;
      const planned = async (): Promise<void> => {
        plans += 1;
        if (plans === 1) await root.write("etc/passwd", "new:x:999:100::/home/new:/bin/sh\n");
      };
      await updateAccounts(root, accounts, { planned });
      assert.equal(plans, 2);
      assert.equal(
        await root.read("etc/passwd"),
        "new:x:999:100::/home/new:/bin/sh\ntor:x:998:999:Zwiebel – Ψ:/var/empty:/usr/sbin/nologin\n",
      );
    }));

  it("gives up where somebody else never rests, and leaves no lock", () =>
    withRoot(async (root) => {
      let plans = 0;
      const planned = async (): Promise<void> => {
        plans += 1;
        await root.write("etc/passwd", `other${plans}:x:5:5::/:/bin/sh\n`);
      };
      await assert.rejects(updateAccounts(root, accounts, { planned }), {
        message: `${root.path("etc/passwd")}: somebody else changes accounts all the time`,
      });
      assert.equal(plans, 5);
      assert.equal(await root.read("etc/passwd"), "other5:x:5:5::/:/bin/sh\n");
      assert.deepEqual((await readdir(root.path("etc"))).sort(), ["group", "passwd", "shadow"]);
    }));

  it("keeps the permissions of databases, and bytes that are no UTF-8", () =>
    withRoot(async (root) => {
      await mkdir(root.path("etc"));
      const old = Buffer.from("old:x:1000:100:J\xf6rg:/home/old:/bin/sh\n", "latin1");
      await writeFile(root.path("etc/passwd"), old);
      await root.write("etc/shadow", "old:*:19000::::::\n");
      await chmod(root.path("etc/shadow"), 0o640);
      await updateAccounts(root, accounts);
      assert.equal(await modeOf(root, "etc/shadow"), 0o640);
      const passwd = await readFile(root.path("etc/passwd"));
      assert.ok(passwd.subarray(0, old.length).equals(old));
      assert.match(await root.read("etc/passwd"), /:Zwiebel – Ψ:/);
    }));

  it("removes what we have made, and is told of it by what we remember only", () =>
    withRoot(async (root) => {
      await updateAccounts(root, accounts);
      await root.write("etc/passwd", `${await root.read("etc/passwd")}tux:x:1000:100::/home/tux:/bin/sh\n`);
      await updateAccounts(root, { step: "accounts", users: [], groups: [] });
      assert.equal(await root.read("etc/passwd"), "tux:x:1000:100::/home/tux:/bin/sh\n");
      assert.equal(await root.read("etc/group"), "");
    }));

  it("remembers the numbers of what it has removed", () =>
    withRoot(async (root) => {
      await updateAccounts(root, accounts);
      await updateAccounts(root, { step: "accounts", users: [], groups: [] });
      assert.deepEqual(JSON.parse(await root.read("var/lib/shepherd/accounts.json")), {
        version: 1,
        users: [],
        groups: [],
        former: { users: { tor: 999 }, groups: { tor: 999 } },
      });
      const [{ name: _, ...rest }] = accounts.users as [(typeof accounts.users)[0]];
      const other = { ...accounts, groups: [{ name: "new", system: true }] };
      await updateAccounts(root, { ...other, users: [{ ...rest, name: "new", group: "new" }] });
      assert.match(await root.read("etc/passwd"), /^new:x:998:998:/);
      await updateAccounts(root, accounts);
      assert.match(await root.read("etc/passwd"), /^tor:x:999:999:/);
    }));

  it("refuses what it remembers if that is damaged: accounts would stay for ever", () =>
    withRoot(async (root) => {
      await root.write("var/lib/shepherd/accounts.json", "[]");
      await assert.rejects(updateAccounts(root, accounts), {
        message: "/var/lib/shepherd/accounts.json: not what we wrote there: expected users and groups",
      });
    }));

  it("refuses a database that is no file", () =>
    withRoot(async (root) => {
      await mkdir(root.path("etc/passwd"), { recursive: true });
      await assert.rejects(updateAccounts(root, accounts), {
        message: `${root.path("etc/passwd")}: not a regular file`,
      });
    }));

  it("follows no link to a database, and replaces none by what it leads to", () =>
    withRoot(async (root) => {
      await root.write("elsewhere", "root:x:0:0:::\n");
      await mkdir(root.path("etc"));
      await symlink("../elsewhere", root.path("etc/passwd"));
      await assert.rejects(updateAccounts(root, accounts), /etc\/passwd: not a regular file/);
      assert.equal(await root.read("elsewhere"), "root:x:0:0:::\n");
    }));
});

describe("the lock on accounts", () => {
  const locked = async <T>(root: TemporaryRoot, use: () => Promise<T>, patience = 0.3): Promise<T> => {
    await mkdir(root.path("etc"), { recursive: true });
    return await within(openPlace(root, "/etc"), (etc) => withAccountsLocked(etc, { patience }, use));
  };

  it("is that of useradd: files with our pid, gone afterwards", () =>
    withRoot(async (root) => {
      await locked(root, async () => {
        assert.deepEqual((await readdir(root.path("etc"))).sort(), [
          "group.lock",
          "gshadow.lock",
          "passwd.lock",
          "shadow.lock",
        ]);
        assert.equal(await root.read("etc/passwd.lock"), `${process.pid}\0`);
      });
      assert.deepEqual(await readdir(root.path("etc")), []);
    }));

  it("is not taken from a process that lives: it says which", () =>
    withRoot(async (root) => {
      await root.write("etc/passwd.lock", `${process.ppid}\0`);
      await assert.rejects(
        locked(root, async () => undefined),
        { message: `${root.path("etc")}/passwd.lock: held by process ${process.ppid}` },
      );
      // What was taken before it is given back.
      assert.deepEqual(await readdir(root.path("etc")), ["passwd.lock"]);
    }));

  it("is waited for", () =>
    withRoot(async (root) => {
      await root.write("etc/group.lock", `${process.ppid}\0`);
      const taken = locked(root, async () => "taken", 15);
      await rm(root.path("etc/group.lock"));
      assert.equal(await taken, "taken");
    }));

  it("is taken from a process that has died, and where it names none", () =>
    withRoot(async (root) => {
      await root.write("etc/passwd.lock", `${await deadPid()}\0`);
      await root.write("etc/group.lock", "");
      assert.equal(await locked(root, async () => "taken"), "taken");
    }));

  it("ends in an error where something else has its name", () =>
    withRoot(async (root) => {
      await mkdir(root.path("etc/shadow.lock"), { recursive: true });
      await assert.rejects(
        locked(root, async () => undefined),
        /shadow\.lock: it is there, and no lock$/,
      );
    }));

  it("is taken where it names us: whoever had our pid in this container was killed", () =>
    withRoot(async (root) => {
      await root.write("etc/passwd.lock", `${process.pid}\0`);
      assert.equal(await locked(root, async () => "taken"), "taken");
    }));

  it("takes what a process of our pid has left", () =>
    withRoot(async (root) => {
      await root.write(`etc/passwd.${process.pid}`, "left");
      await link(root.path(`etc/passwd.${process.pid}`), root.path("etc/other"));
      assert.equal(await locked(root, async () => "taken"), "taken");
      assert.equal(await root.read("etc/other"), "left");
    }));

  it("is seen where lckpwdf has it, by the text of /proc/locks", () => {
    const text = [
      "1: POSIX  ADVISORY  WRITE 4242 00:2a:815 0 EOF",
      "2: FLOCK  ADVISORY  WRITE 17 00:2a:816 0 EOF",
      "3: POSIX  ADVISORY  READ  18 00:2a:817 0 EOF",
      "4: OFDLCK ADVISORY  WRITE -1 00:2a:818 0 EOF",
      "",
    ].join("\n");
    assert.equal(lockHolder(text, 815n), "4242");
    assert.equal(lockHolder(text, 15n), undefined);
    assert.equal(lockHolder(text, 816n), undefined);
    assert.equal(lockHolder(text, 817n), undefined);
    assert.equal(lockHolder(text, 818n), "-1");
  });
});
