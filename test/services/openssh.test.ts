// The service of OpenSSH: what it runs, as whom, with which files; its configuration, word for word, and sshd's opinion of
// it; and keys that open accounts.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { readdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, it } from "node:test";
import { service, simpleService } from "../../src/services/composition/service-type.js";
import { filePath, plainFile } from "../../src/services/files/file-like.js";
import { opensshConfiguration, opensshServiceType } from "../../src/services/openssh.js";
import { sshdConfig } from "../../src/services/sshd-config.js";
import { mistake, untyped } from "../daemon/definition/support.js";
import { run } from "../support/run.js";
import {
  accountFields,
  described,
  plainSteps,
  systemOf,
  temporaryDirectory,
  textOf,
  usualStop,
} from "./parts.js";

const defaultText = `# Generated from your system configuration.
Port 22
PermitRootLogin no
PermitEmptyPasswords no
PasswordAuthentication yes
PubkeyAuthentication yes
X11Forwarding no
AllowAgentForwarding yes
AllowTcpForwarding yes
GatewayPorts no
PidFile /var/run/sshd.pid
KbdInteractiveAuthentication no
UsePAM yes
PrintLastLog yes
LogLevel INFO
AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2 /etc/ssh/authorized_keys.d/%u
Subsystem\tsftp\tinternal-sftp

`;

const everything = opensshConfiguration({
  pidFile: "/run/ssh/pid",
  portNumber: 2222,
  permitRootLogin: "prohibit-password",
  allowEmptyPasswords: true,
  passwordAuthentication: false,
  publicKeyAuthentication: false,
  x11Forwarding: true,
  allowAgentForwarding: false,
  allowTcpForwarding: false,
  gatewayPorts: true,
  challengeResponseAuthentication: true,
  usePam: false,
  printLastLog: false,
  subsystems: [
    ["sftp", "internal-sftp"],
    ["repl", "/usr/bin/repl --quiet"],
  ],
  acceptedEnvironment: ["COLORTERM", "LC_*"],
  logLevel: "debug1",
  extraContent: "Match User guest\n  AllowTcpForwarding no",
});

const everythingText = `# Generated from your system configuration.
Port 2222
PermitRootLogin prohibit-password
PermitEmptyPasswords yes
PasswordAuthentication no
PubkeyAuthentication no
X11Forwarding yes
AllowAgentForwarding no
AllowTcpForwarding no
GatewayPorts yes
PidFile /run/ssh/pid
KbdInteractiveAuthentication yes
UsePAM no
PrintLastLog no
LogLevel DEBUG1
AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2 /etc/ssh/authorized_keys.d/%u
AcceptEnv COLORTERM
AcceptEnv LC_*
Subsystem\tsftp\tinternal-sftp
Subsystem\trepl\t/usr/bin/repl --quiet
Match User guest
  AllowTcpForwarding no
`;

const key = (name: string) => plainFile(`${name}.pub`, `ssh-ed25519 AAAA${name}`);

describe("opensshServiceType", () => {
  it("runs sshd as Guix's does", () => {
    const file = filePath(sshdConfig(opensshConfiguration()));
    assert.deepEqual(described(systemOf(service(opensshServiceType)).service("sshd")), {
      provision: ["ssh-daemon", "ssh", "sshd"],
      requirement: ["syslogd", "loopback"],
      oneShot: false,
      respawn: true,
      autoStart: true,
      documentation: "OpenSSH server.",
      start: {
        kind: "forkexec",
        command: ["/usr/sbin/sshd", "-D", "-f", file],
        options: { pidFile: "/var/run/sshd.pid" },
      },
      stop: usualStop,
      actions: ["configuration"],
      files: [file],
    });
  });

  it("has the default configuration where none is given, as in the manual's example", () => {
    assert.deepEqual(
      service(opensshServiceType).value,
      service(opensshServiceType, opensshConfiguration()).value,
    );
  });

  it("has Debian's account, directories, host keys and keys of users", () => {
    const system = systemOf(
      simpleService("more", opensshServiceType, [
        ["root", key("c")],
        ["bob", key("d")],
      ]),
      service(
        opensshServiceType,
        opensshConfiguration({ authorizedKeys: [["root", key("a"), key("b")]], pidFile: "/run/ssh/pid" }),
      ),
    );
    assert.deepEqual(accountFields(system.user("sshd")), {
      group: "sshd",
      system: true,
      comment: "sshd privilege separation user",
      homeDirectory: "/run/sshd",
      createHomeDirectory: false,
      shell: "/usr/sbin/nologin",
      uid: undefined,
      supplementaryGroups: [],
    });
    const steps = plainSteps(system.steps("openssh")) as readonly {
      readonly step: string;
      readonly command?: readonly string[];
    }[];
    const root = { owner: "root", group: "root" } as const;
    const keys = "/etc/ssh/authorized_keys.d";
    const script = steps[4]?.command?.[1];
    const file = system.service("sshd").start;
    assert.ok(file !== undefined);
    assert.deepEqual(steps.slice(0, -1), [
      { step: "directory", path: "/etc/ssh", mode: 0o755 },
      { step: "directory", path: "/run/ssh" },
      { step: "directory", path: "/run/sshd", mode: 0o755, ...root },
      { step: "directory", path: keys, mode: 0o755, ...root },
      {
        step: "run",
        command: ["/bin/sh", script, keys, "root", ...["a", "b", "c"].map((name) => filePath(key(name)))],
      },
      { step: "run", command: ["/bin/sh", script, keys, "bob", filePath(key("d"))] },
      {
        step: "run",
        command: [
          "/usr/bin/find",
          keys,
          "-mindepth",
          "1",
          "!",
          "-name",
          "root",
          "!",
          "-name",
          "bob",
          "-delete",
        ],
      },
      { step: "run", command: ["/usr/bin/touch", "/var/log/lastlog"], unless: "/var/log/lastlog" },
      { step: "run", command: ["/usr/bin/ssh-keygen", "-A"] },
    ]);
    assert.deepEqual(steps.at(-1)?.command?.slice(0, 3), ["/usr/sbin/sshd", "-t", "-f"]);
    assert.ok(system.packages().includes("openssh"));
  });

  it("makes no keys and waits, where it is told so", () => {
    const configuration = opensshConfiguration({
      generateHostKeys: false,
      printLastLog: false,
      autoStart: false,
    });
    const system = systemOf(service(opensshServiceType, configuration));
    assert.equal(JSON.stringify(plainSteps(system.steps("openssh"))).match(/ssh-keygen|lastlog/), null);
    assert.equal(system.service("ssh").autoStart, false);
  });

  it("writes keys into the user's file, and removes those of others", async (t) => {
    const directory = await temporaryDirectory(t);
    await writeFile(join(directory, "gone"), "key\n");
    const put = async (name: string, text: string) => {
      await writeFile(join(directory, name), text);
      return join(directory, name);
    };
    const keys = [await put("a.pub", "key a"), await put("b.pub", "key b\n")];
    const configuration = opensshConfiguration({ authorizedKeys: [["alice", ...keys]] });
    const steps = systemOf(service(opensshServiceType, configuration)).steps("openssh");
    const write = steps.find((step) => step.step === "run" && step.command[0] === "/bin/sh");
    const prune = steps.find((step) => step.step === "run" && step.command[0] === "/usr/bin/find");
    assert.ok(write?.step === "run" && prune?.step === "run");
    const script = await put("script", textOf(write.command[1]));
    const made = join(directory, "keys");
    await run("mkdir", [made]);
    await writeFile(join(made, "gone"), "");
    const { status, stderr } = await run("/bin/sh", [script, made, "alice", ...keys]);
    assert.equal(status, 0, stderr);
    assert.equal(await readFile(join(made, "alice"), "utf8"), "key a\nkey b\n\n");
    assert.equal((await stat(join(made, "alice"))).mode & 0o777, 0o644);
    const [, , ...rest] = prune.command.map(filePath);
    await run("/usr/bin/find", [made, ...rest]);
    assert.deepEqual(await readdir(made), ["alice"]);
  });
});

describe("sshd_config", () => {
  it("is as expected of the defaults", () =>
    assert.equal(textOf(sshdConfig(opensshConfiguration())), defaultText));

  it("is as expected of everything else", () => assert.equal(textOf(sshdConfig(everything)), everythingText));

  it("is what sshd takes", async (t) => {
    if (!existsSync("/usr/sbin/sshd"))
      return t.skip("/usr/sbin/sshd is not installed (package openssh-server)");
    const directory = await temporaryDirectory(t);
    const hostKey = join(directory, "key");
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", hostKey]);
    for (const configuration of [opensshConfiguration(), everything]) {
      const file = join(directory, "sshd_config");
      await writeFile(file, `HostKey ${hostKey}\n${textOf(sshdConfig(configuration))}`);
      // It looks for its directory, which a system makes.
      const { status, stderr } = await run("unshare", [
        ...["--mount", "sh", "-c"],
        `mount -t tmpfs none /run && mkdir -m 755 /run/sshd && exec /usr/sbin/sshd -t -f '${file}'`,
      ]);
      assert.equal(status, 0, stderr);
    }
  });
});

const mistakes: readonly (readonly [string, () => unknown, RegExp])[] = [
  [
    "an impossible port",
    () => opensshConfiguration({ portNumber: 0 }),
    /opensshConfiguration: field "portNumber": expected a port from 1 to 65535, got 0/,
  ],
  [
    "a relative pid file",
    () => opensshConfiguration({ pidFile: "sshd.pid" }),
    /field "pidFile": expected an absolute file name/,
  ],
  [
    "a way for root that is none",
    () => opensshConfiguration(untyped({ permitRootLogin: "sometimes" })),
    /field "permitRootLogin": expected true, false, "prohibit-password"/,
  ],
  [
    "an unknown level",
    () => opensshConfiguration(untyped({ logLevel: "INFO" })),
    /field "logLevel": expected one of "quiet"/,
  ],
  [
    "a subsystem with another line",
    () => opensshConfiguration({ subsystems: [["sftp", "x\nPermitRootLogin yes"]] }),
    /field "subsystems"/,
  ],
  [
    "a subsystem twice",
    () =>
      opensshConfiguration({
        subsystems: [
          ["sftp", "a"],
          ["sftp", "b"],
        ],
      }),
    /field "subsystems": "sftp" is there twice/,
  ],
  [
    "a variable with a space",
    () => opensshConfiguration({ acceptedEnvironment: ["A B"] }),
    /field "acceptedEnvironment"/,
  ],
  [
    "a user who leads elsewhere",
    () => opensshConfiguration({ authorizedKeys: [["../root", key("a")]] }),
    /field "authorizedKeys": expected a list of \[user, key, …\]/,
  ],
  [
    "a user without a key",
    () => opensshConfiguration({ authorizedKeys: [["root"]] }),
    /field "authorizedKeys"/,
  ],
  [
    "a key that is no file",
    () => opensshConfiguration({ authorizedKeys: [["root", "ssh-ed25519 AAAA"]] }),
    /field "authorizedKeys"/,
  ],
  ["an unknown field", () => opensshConfiguration(untyped({ port: 22 })), /unknown field "port"/],
];

describe("OpenSSH's configuration refuses", () => {
  for (const [what, body, message] of mistakes) it(what, () => assert.match(mistake(body), message));

  it("an extension that is no list of keys", () => {
    const wrong = simpleService("wrong", opensshServiceType, untyped([["root"]]));
    assert.match(
      mistake(() => systemOf(wrong).names()),
      /service 'openssh': an extension: expected a list of \[user, key/,
    );
  });
});
