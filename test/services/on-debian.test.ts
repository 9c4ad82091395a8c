// A system of all definitions, activated and supervised with Debian's real programs, in namespaces of its own: a network
// whose loopback interface is down, and an /etc, a /var, a /dev and a /run that nobody else sees.

import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { writeTree } from "../../src/services/files/write-tree.js";
import * as shepherd from "../../src/services/system.js";
import { systemTree } from "../../src/services/system-directory.js";
import { bootSystem, type System, suiteScope } from "../support/harness.js";
import { statusField } from "../support/processes.js";
import { project } from "../support/project.js";
import { run } from "../support/run.js";
import { temporaryDirectory } from "./parts.js";

/** Its text becomes the configuration module's: it must need nothing but its arguments. */
function everything(s: typeof shepherd, key: string): shepherd.OperatingSystem {
  return s.operatingSystem({
    services: [
      s.service(
        s.torServiceType,
        s.torConfiguration({
          controlSocket: true,
          socksSocketType: "unix",
          configFile: s.plainFile("more", "DisableNetwork 1\n"),
          hiddenServices: [s.hiddenService({ name: "web", mapping: [[80, "127.0.0.1:8080"]] })],
        }),
      ),
      s.torHiddenService("ssh", [[22, "127.0.0.1:2222"]]),
      s.service(s.postgresqlServiceType),
      s.simpleService("blog-role", s.postgresqlRoleServiceType, [
        s.postgresqlRole({ name: "blog", createDatabase: true }),
      ]),
      s.service(
        s.nginxServiceType,
        s.nginxConfiguration({
          serverBlocks: [s.nginxServer({ listen: ["127.0.0.1:8080"], root: "/var/www/html" })],
        }),
      ),
      s.simpleService("echo-site", s.nginxServiceType, [
        s.nginxServer({
          listen: ["127.0.0.1:8081"],
          locations: [s.nginxLocation({ uri: "/", body: ["return 200 'hello from nginx';"] })],
        }),
      ]),
      s.service(s.redisServiceType),
      s.service(
        s.opensshServiceType,
        s.opensshConfiguration({ portNumber: 2222, permitRootLogin: "prohibit-password" }),
      ),
      s.simpleService("my-key", s.opensshServiceType, [["root", s.plainFile("key.pub", key)]]),
      s.simpleService(
        "my-job",
        s.mcronServiceType,
        s.job(s.interval({ hours: 1 }), "id -un >>/var/tmp/job", { name: "my-job", user: "nobody" }),
      ),
      s.udevRulesService("scope", [s.udevRule("60-scope.rules", 'SUBSYSTEM=="usb", GROUP="scope"\n')], {
        groups: ["scope"],
      }),
      s.service(s.replServiceType, s.replConfiguration({ path: "/run/shepherd/repl" })),
      s.service(s.monitoringServiceType),
      ...s.desktopServices,
    ],
  });
}

/** Hides what belongs to the machine, activates the system in $1 by what $2 and $3 run, and goes on with all further words. */
const prepare = `set -eu
system=$1 node=$2 activate=$3
shift 3
mount --make-rprivate /
mount -t tmpfs -o mode=0755 none /run
mkdir /run/.place
for name in etc var; do
  mkdir -p "/run/.place/$name/upper" "/run/.place/$name/work"
  mount -t overlay none -o "lowerdir=/$name,upperdir=/run/.place/$name/upper,workdir=/run/.place/$name/work" "/$name"
done
mkdir -p /run/.place/dev/pts /run/.place/dev/shm
for device in null zero full random urandom tty; do
  : >"/run/.place/dev/$device"
  mount --bind "/dev/$device" "/run/.place/dev/$device"
done
chmod 1777 /run/.place/dev/shm
mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 none /run/.place/dev/pts
ln -s pts/ptmx /run/.place/dev/ptmx
ln -s /proc/self/fd /run/.place/dev/fd
mount --rbind /run/.place/dev /dev
mount -o remount,bind,ro /sys
# Where Debian's packages have put what they made when they were installed.
rm -rf /var/lib/tor /var/lib/postgresql /var/lib/redis /etc/ssh/ssh_host_*
"$node" "$activate" "$system" 2>&1
# Twice: nothing of it may stand in its own way.
"$node" "$activate" "$system" 2>&1
exec "$@"
`;

const programs: Readonly<Record<string, string>> = {
  "/usr/bin/tor": "tor",
  "/usr/lib/postgresql/15/bin/postgres": "postgresql",
  "/usr/sbin/nginx": "nginx-light",
  "/usr/bin/redis-server": "redis-server",
  "/usr/sbin/sshd": "openssh-server",
  "/usr/bin/dbus-daemon": "dbus-daemon",
};
const missing = Object.keys(programs).filter((program) => !existsSync(program));
const why =
  missing.length > 0
    ? `not installed: ${missing.map((program) => `${program} (package ${programs[program]})`).join(", ")}`
    : process.getuid?.() === 0
      ? undefined
      : "only root makes namespaces and becomes other users";

describe("a system of all definitions on Debian", { skip: why }, () => {
  const scope = suiteScope();
  let system: System;
  let identity: string;

  before(async () => {
    const directory = await temporaryDirectory({ after: (cleanup) => scope.after(cleanup) });
    identity = join(directory, "key");
    await run("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "tester", "-f", identity]);
    const key = readFileSync(`${identity}.pub`, "utf8");
    await writeTree(systemTree(everything(shepherd, key)), join(directory, "system"));
    const activate = join(project.root, "build/test/services/activate-main.js");
    system = await bootSystem(scope, {
      config:
        'import * as shepherd from "shepherd-ts/system";\n' +
        `export default shepherd.systemConfiguration((${everything.toString()})(shepherd, ${JSON.stringify(key)}));\n`,
      configName: "config.mjs",
      through: [
        ...["unshare", "--mount", "--net", "--", "sh", "-c", prepare, "prepare"],
        ...[join(directory, "system"), process.execPath, activate],
      ],
    });
  });
  after(() => scope.close());

  /** Runs a program inside, as root. */
  const inside = async (program: string, ...args: readonly string[]) => {
    const target = String(system.keeper());
    return await run("nsenter", ["--target", target, "--mount", "--net", "--pid", "--", program, ...args]);
  };
  const pidOf = async (name: string): Promise<number> => {
    const inner = await system.untilProcess(name);
    const found = system.processes().find((process) => process.inner === inner);
    assert.ok(found !== undefined);
    return found.pid;
  };
  const accountOf = async (name: string): Promise<string> =>
    (await inside("sh", "-c", `id -u ${name}; id -g ${name}`)).stdout.trim().replace("\n", ":");

  it("has every service running", async () => {
    const all = [
      ...["tor", "postgres", "nginx", "redis", "ssh-daemon", "dbus-system", "mcron", "my-job", "system-log"],
      ...["networking", "timer", "transient", "log-rotation", "monitoring", "repl", "user-processes"],
    ];
    for (const name of all) await system.untilStatus(name, "running");
    assert.doesNotMatch(system.stdout + system.stderr, /failed to activate/);
  });

  it("runs each program as whom it is to run, with the words that it is to have", async () => {
    const tables = [
      ["tor", "tor", ["/usr/bin/tor", "-f"]],
      ["postgres", "postgres", ["/usr/lib/postgresql/15/bin/postgres", "-D", "/var/lib/postgresql/data"]],
      ["redis", "redis", ["/usr/bin/redis-server 127.0.0.1:6379"]],
      ["nginx", "root", ["nginx: master process /usr/sbin/nginx -c"]],
      ["ssh-daemon", "root", ["sshd: /usr/sbin/sshd -D -f"]],
      ["dbus-system", "messagebus", ["/usr/bin/dbus-daemon", "--nofork"]],
    ] as const;
    for (const [name, user, words] of tables) {
      const pid = await pidOf(name);
      const [uid, gid] = (await accountOf(user)).split(":");
      assert.equal(statusField(pid, "Uid")?.split(/\s+/)[1], uid, name);
      assert.equal(statusField(pid, "Gid")?.split(/\s+/)[1], gid, name);
      if (user !== "root")
        assert.ok(!`${statusField(pid, "Groups")} `.startsWith("0 "), `${name} has root's group`);
      const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").join(" ");
      assert.ok(command.startsWith(words.join(" ")), `${name}: ${command}`);
    }
  });

  it("has its loopback interface up", async () => {
    assert.match((await inside("ip", "-brief", "link", "show", "lo")).stdout, /LOWER_UP/);
    assert.equal((await system.service("loopback")).status, "stopped");
  });

  it("tor has its directories and sockets, and logs to the system log", async () => {
    await system.waitFor("the log has a line of tor's", async () =>
      /localhost Tor\[\d+\]: /i.test((await inside("cat", "/var/log/messages")).stdout),
    );
    const { stdout } = await inside(
      "stat",
      ...["--format=%a %U:%G %n", "/var/lib/tor", "/var/run/tor", "/var/lib/tor/hidden-services/web"],
      "/var/lib/tor/hidden-services/ssh",
    );
    assert.equal(
      stdout,
      "700 tor:tor /var/lib/tor\n750 tor:tor /var/run/tor\n700 tor:tor /var/lib/tor/hidden-services/web\n" +
        "700 tor:tor /var/lib/tor/hidden-services/ssh\n",
    );
    const file = (await system.ok("configuration", "tor")).trim();
    const torrc = (await inside("cat", file)).stdout;
    assert.match(torrc, /HiddenServicePort 22 127\.0\.0\.1:2222\n[\s\S]*\n\nDisableNetwork 1\n$/);
    await system.waitFor("there is a name", async () =>
      /^[a-z2-7]{56}\.onion\n$/.test(
        (await inside("cat", "/var/lib/tor/hidden-services/web/hostname")).stdout,
      ),
    );
    assert.equal((await inside("stat", "--format=%F", "/var/run/tor/control-sock")).stdout, "socket\n");
  });

  it("PostgreSQL has a cluster, a role and a database", async () => {
    await system.waitForLog(/Service postgres-roles has been started/);
    const { stdout, stderr } = await inside(
      ...(["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups"] as const),
      ...[
        "psql",
        "-XAt",
        "-h",
        "/var/run/postgresql",
        "-c",
        "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = 'blog'",
      ],
    );
    assert.equal(stdout, "blog\n", stderr);
    assert.match((await inside("cat", "/var/log/postgresql_roles.log")).stdout, /CREATE ROLE "blog"/);
  });

  it("nginx serves, reads its configuration again, and opens its logs again", async () => {
    const get = async () => (await inside("curl", "-s", "http://127.0.0.1:8081/")).stdout;
    assert.equal(await get(), "hello from nginx");
    const workers = async () => (await inside("pgrep", "-x", "-f", "nginx: worker process")).stdout;
    const before = await workers();
    await system.ok("reload", "nginx");
    await system.waitFor("there are other workers", async () => {
      const now = await workers();
      return now !== before && now !== "" && !now.includes(before);
    });
    assert.equal(await get(), "hello from nginx");
    await inside("mv", "/var/log/nginx/access.log", "/var/log/nginx/old.log");
    await system.ok("reopen", "nginx");
    await system.waitFor("there is a new log", async () => {
      await get();
      return (await inside("cat", "/var/log/nginx/access.log")).stdout !== "";
    });
    const worker = (await workers()).trim().split("\n")[0] ?? "";
    assert.equal((await inside("stat", "--format=%U", `/proc/${worker}`)).stdout, "www-data\n");
  });

  it("Redis keeps what it is told, in its own directory", async () => {
    assert.equal((await inside("redis-cli", "set", "key", "value")).stdout, "OK\n");
    assert.equal((await inside("redis-cli", "save")).stdout, "OK\n");
    assert.equal((await inside("stat", "--format=%a %U", "/var/lib/redis/dump.rdb")).stdout, "600 redis\n");
  });

  it("sshd lets the holder of the key in", async () => {
    const { stdout, stderr } = await inside(
      ...([
        "ssh",
        "-i",
        identity,
        "-p",
        "2222",
        "-o",
        "StrictHostKeyChecking=no",
        "-o",
        "UserKnownHostsFile=/dev/null",
      ] as const),
      ...["-o", "BatchMode=yes", "root@127.0.0.1", "id", "-un"],
    );
    assert.equal(stdout, "root\n", stderr);
    assert.equal((await inside("ls", "/etc/ssh/authorized_keys.d")).stdout, "root\n");
  });

  it("the message bus answers", async () => {
    const { stdout, stderr } = await inside(
      ...(["dbus-send", "--system", "--print-reply", "--dest=org.freedesktop.DBus", "/"] as const),
      "org.freedesktop.DBus.GetId",
    );
    assert.match(stdout, /string "[0-9a-f]{32}"/, stderr);
  });

  it("jobs run, and mcron tells when they run next", async () => {
    await system.ok("trigger", "my-job");
    await system.waitFor("the job has run", async () =>
      (await inside("cat", "/var/tmp/job")).stdout.startsWith("nobody\n"),
    );
    const schedule = await system.ok("schedule", "mcron", "3");
    assert.equal(schedule.match(/^\w{3} \w{3} \d+ .*\nid -un >>\/var\/tmp\/job\n$/gm)?.length, 3, schedule);
    const { status, stdout } = await system.herd("schedule", "mcron", "none");
    assert.equal(status, 1);
    assert.match(stdout, /none: invalid number; expected one from 1 to 100/);
  });

  it("udev has nothing to do, and says why; its rules are there all the same", async () => {
    await system.untilStatus("udev", "running");
    assert.match(
      system.log(),
      /\/dev is not the kernel's own: the devices are those that this container was given/,
    );
    assert.equal((await system.service("udev")).pid, undefined);
    assert.equal((await inside("ls", "/run/udev/rules.d")).stdout, "60-scope.rules\n");
    assert.match((await inside("getent", "group", "scope")).stdout, /^scope:/);
  });

  it("what is stopped is stopped as its program likes it", async () => {
    await system.ok("stop", "postgres");
    assert.match(
      (await inside("cat", "/var/log/messages", "/var/log/postgresql/postgresql.log")).stdout,
      /received fast shutdown request[\s\S]*database system is shut down/,
    );
    await system.ok("start", "postgres");
    await system.ok("stop", "nginx");
    const { status } = await system.herd("reload", "nginx");
    assert.equal(status, 1);
  });

  it("goes on when the supervisor is killed", async () => {
    const names = ["tor", "postgres", "redis", "ssh-daemon", "dbus-system"];
    const pids = async () => await Promise.all(names.map(async (name) => (await system.service(name)).pid));
    const earlier = await pids();
    await system.killDaemon();
    await system.untilStatus("mcron", "running");
    assert.deepEqual(await pids(), earlier);
    assert.match(await system.ok("schedule", "mcron"), /id -un/);
    assert.match(await system.ok("configuration", "postgres"), /-postgresql\.conf\n$/);
  });

  it("ends in order", async () => {
    assert.deepEqual(await system.stop(), { code: 0, signal: null });
  });
});
