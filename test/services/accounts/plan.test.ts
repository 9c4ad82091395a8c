// What becomes of the databases of accounts.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import {
  type DatabaseName,
  type Databases,
  formatDatabase,
  parseDatabase,
} from "../../../src/services/accounts/databases.js";
import { type LoweredAccounts, type Ours, planAccounts } from "../../../src/services/accounts/plan.js";

const today = 20_000;
const noFormer: Ours["former"] = { users: new Map(), groups: new Map() };
const nobody: Ours = { users: [], groups: [], former: noFormer };

type Texts = { readonly [name in DatabaseName]?: string };

function databases(texts: Texts): Databases {
  const lines = (name: DatabaseName) => parseDatabase(name, texts[name] ?? "");
  return {
    passwd: lines("passwd"),
    group: lines("group"),
    shadow: lines("shadow"),
    gshadow: texts.gshadow === undefined ? undefined : lines("gshadow"),
  };
}

type User = LoweredAccounts["users"][number];

const user = (name: string, more: Partial<User> = {}): User => ({
  name,
  group: "users",
  supplementaryGroups: [],
  comment: "",
  homeDirectory: `/home/${name}`,
  createHomeDirectory: true,
  shell: "/bin/bash",
  system: false,
  ...more,
});
const group = (name: string, more: Partial<LoweredAccounts["groups"][number]> = {}) => ({
  name,
  system: true,
  ...more,
});

function plan(
  { users = [], groups = [] }: Partial<LoweredAccounts>,
  { texts = {}, ours = nobody }: { readonly texts?: Texts; readonly ours?: Ours } = {},
) {
  const planned = planAccounts(
    { step: "accounts", users, groups },
    { databases: databases(texts), ours },
    today,
  );
  const { passwd, group: groupLines, shadow, gshadow } = planned.databases;
  return {
    ...planned,
    passwd: formatDatabase(passwd),
    group: formatDatabase(groupLines),
    shadow: formatDatabase(shadow),
    gshadow: gshadow === undefined ? undefined : formatDatabase(gshadow),
  };
}

describe("a system without accounts", () => {
  it("gets those that are declared, in Guix's form", () => {
    const {
      passwd,
      group: groups,
      shadow,
      gshadow,
      ours,
    } = plan({
      groups: [group("root", { id: 0 }), group("users"), group("tor")],
      users: [
        user("root", {
          uid: 0,
          group: "root",
          comment: "System administrator",
          homeDirectory: "/root",
          system: true,
        }),
        user("alice", { comment: "Alice", supplementaryGroups: ["tor"], password: "$6$salt$hash" }),
        user("tor", { group: "tor", system: true, homeDirectory: "/var/empty", shell: "/usr/sbin/nologin" }),
      ],
    });
    assert.equal(
      passwd,
      "root:x:0:0:System administrator:/root:/bin/bash\n" +
        "alice:x:1000:999:Alice:/home/alice:/bin/bash\n" +
        "tor:x:999:998::/var/empty:/usr/sbin/nologin\n",
    );
    assert.equal(groups, "root:x:0:\nusers:x:999:\ntor:x:998:alice\n");
    assert.equal(shadow, "root:!:20000::::::\nalice:$6$salt$hash:20000::::::\ntor:!:20000::::::\n");
    assert.equal(gshadow, undefined);
    assert.deepEqual(ours, {
      users: ["alice", "root", "tor"],
      groups: ["root", "tor", "users"],
      former: noFormer,
    });
  });

  it("never has a password of day 0, which would mean that it must be changed", () => {
    const { databases: made } = planAccounts(
      { step: "accounts", users: [user("a", { group: 1 })], groups: [] },
      { databases: databases({}), ours: nobody },
      0,
    );
    assert.equal(formatDatabase(made.shadow), "a:!:1::::::\n");
  });
});

const debian: Texts = {
  passwd:
    "root:x:0:0:root:/root:/bin/bash\n" +
    "# a comment\n" +
    "games:x:5:60:games:/usr/games:/usr/sbin/nologin\n" +
    "bob:x:1000:100:Bob,,,:/home/bob:/bin/zsh\n",
  group: "root:x:0:\ntty:x:5:\nusers:x:100:bob,remote\naudio:x:29:bob\n",
  shadow: "root:*:19000:0:99999:7:::\ngames:*:19000:0:99999:7:::\nbob:$y$secret:19500:0:99999:7:::\n",
  gshadow: "root:*::\ntty:*::\nusers:*::bob,remote\naudio:*::bob\n",
};

describe("a system with accounts of its own", () => {
  const declared = {
    groups: [group("root", { id: 0 }), group("tty"), group("users"), group("tor", { password: "$6$group" })],
    users: [
      user("root", {
        uid: 0,
        group: "root",
        comment: "System administrator",
        homeDirectory: "/root",
        system: true,
      }),
      user("bob", { comment: "Robert", shell: "/bin/fish", supplementaryGroups: ["tor"] }),
      user("carol"),
    ],
  };

  it("keeps what nobody declares, in its place, and adds what is missing", () => {
    const { passwd, group: groups, shadow, gshadow, ours } = plan(declared, { texts: debian });
    assert.equal(
      passwd,
      "root:x:0:0:System administrator:/root:/bin/bash\n" +
        "# a comment\n" +
        "games:x:5:60:games:/usr/games:/usr/sbin/nologin\n" +
        // People keep what they say of themselves; the shell is what is declared.
        "bob:x:1000:100:Bob,,,:/home/bob:/bin/fish\n" +
        "carol:x:1001:100::/home/carol:/bin/bash\n",
    );
    assert.equal(groups, "root:x:0:\ntty:x:5:\nusers:x:100:remote\naudio:x:29:bob\ntor:x:999:bob\n");
    assert.equal(shadow, `${debian.shadow}carol:!:20000::::::\n`);
    assert.equal(gshadow, "root:*::\ntty:*::\nusers:*::remote\naudio:*::bob\ntor:$6$group::bob\n");
    assert.deepEqual(ours, { users: ["carol"], groups: ["tor"], former: noFormer });
  });

  it("does not change any more when it has them", () => {
    const first = plan(declared, { texts: debian });
    const texts = {
      passwd: first.passwd,
      group: first.group,
      shadow: first.shadow,
      gshadow: first.gshadow ?? "",
    };
    const second = plan(declared, { texts, ours: first.ours });
    assert.deepEqual(
      { passwd: second.passwd, group: second.group, shadow: second.shadow, gshadow: second.gshadow },
      texts,
    );
    assert.deepEqual(second.ours, first.ours);
  });

  it("loses those of ours that are not declared any more, everywhere, and no others", () => {
    const first = plan(declared, { texts: debian });
    const texts = {
      passwd: first.passwd,
      group: first.group.replace("audio:x:29:bob", "audio:x:29:bob,carol"),
      shadow: first.shadow,
      gshadow: first.gshadow ?? "",
    };
    const second = plan({ groups: [group("users")], users: [] }, { texts, ours: first.ours });
    assert.doesNotMatch(
      second.passwd + second.group + second.shadow + (second.gshadow ?? ""),
      /\b(?:carol|tor)\b/,
    );
    assert.match(second.passwd, /^bob:.*\n/m);
    assert.match(second.group, /^audio:x:29:bob$/m);
    assert.match(second.group, /^tty:x:5:$/m);
    const former = { users: new Map([["carol", 1001]]), groups: new Map([["tor", 999]]) };
    assert.deepEqual(second.ours, { ...nobody, former });
  });

  it("has the numbers again that it had, when it comes back, and nobody else got them", () => {
    const of = (...names: readonly string[]) => ({
      groups: names.map((name) => group(name)),
      users: names.map((name) => user(name, { group: name, system: true })),
    });
    let last = plan(of("a", "b"));
    const next = (...names: readonly string[]): string => {
      const texts = { passwd: last.passwd, group: last.group, shadow: last.shadow };
      last = plan(of(...names), { texts, ours: last.ours });
      return last.passwd.replaceAll(/:x:(\d+):(\d+):.*\n/g, " $1 $2; ");
    };
    assert.equal(next("c"), "c 997 997; ");
    assert.equal(next("d"), "d 996 996; ");
    assert.equal(next("a", "b"), "a 999 999; b 998 998; ");
    assert.deepEqual(
      [...last.ours.former.users],
      [
        ["c", 997],
        ["d", 996],
      ],
    );
  });

  it("does not get a number back that somebody else has by now, or is declared to have", () => {
    const former = { users: new Map([["tor", 990]]), groups: new Map([["tor", 991]]) };
    const { passwd } = plan(
      {
        groups: [group("tor"), group("other", { id: 991 })],
        users: [user("tor", { group: "tor", system: true })],
      },
      { texts: { passwd: "sshd:x:990:65534::/run/sshd:/bin/false\n" }, ours: { ...nobody, former } },
    );
    assert.match(passwd, /^tor:x:999:999:/m);
  });

  it("keeps a group of ours that is still somebody's primary one", () => {
    const texts = { passwd: "eve:x:1000:999::/home/eve:/bin/sh\n", group: "tor:x:999:\n" };
    const { group: groups, ours } = plan({}, { texts, ours: { ...nobody, groups: ["tor"] } });
    assert.equal(groups, "tor:x:999:\n");
    assert.deepEqual(ours.groups, ["tor"]);
  });

  it("keeps a password that was in passwd itself, and puts it where it belongs", () => {
    const texts = { passwd: "old:$1$hash:1000:100::/home/old:/bin/sh\n", group: "users:x:100:\n" };
    const { passwd, shadow } = plan({ groups: [group("users")], users: [user("old")] }, { texts });
    assert.equal(passwd, "old:x:1000:100::/home/old:/bin/bash\n");
    assert.equal(shadow, "old:$1$hash:20000::::::\n");
  });

  it("has its lines before those of NIS, which end the file", () => {
    const texts = { passwd: "root:x:0:0:root:/root:/bin/bash\n+::::::\n", group: "users:x:100:\n+:::\n" };
    const { passwd, group: groups } = plan(
      { groups: [group("new")], users: [user("a", { group: 100 })] },
      { texts },
    );
    assert.equal(passwd, "root:x:0:0:root:/root:/bin/bash\na:x:1000:100::/home/a:/bin/bash\n+::::::\n");
    assert.equal(groups, "users:x:100:\nnew:x:999:\n+:::\n");
  });

  it("is warned of numbers that two accounts have", () => {
    const texts = { passwd: "games:x:5:60::/usr/games:/bin/sh\n", group: "build:x:30000:\n" };
    const { warnings } = plan(
      { groups: [group("guixbuild", { id: 30_000 })], users: [user("five", { uid: 5, group: 100 })] },
      { texts },
    );
    assert.deepEqual(warnings, [
      "user 'five' has the same number as 'games': 5",
      "group 'guixbuild' has the same number as 'build': 30000",
    ]);
  });
});
