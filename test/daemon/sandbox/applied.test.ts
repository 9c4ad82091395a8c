// Confinement by the real helper: what a unit's directives make of what its processes see and may do.

import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import type { SpawnSpec } from "../../../src/daemon/keeper/types.js";
import { type ConfinementFacts, confinement } from "../../../src/daemon/sandbox/confinement.js";
import { confined, lines, needsRoot } from "../../native/spawn/confinement.js";
import { directory } from "../../native/spawn/helper.js";
import { serviceOf } from "../../systemd-compat/fixtures.js";

const nobody = 65534;

function specOf(settings: string, facts: ConfinementFacts = {}): Partial<SpawnSpec> {
  const abilities = { architecture: process.arch, missing: {}, filtersNeedNoNewPrivileges: false };
  const { spec, notApplied, refusal } = confinement(serviceOf(settings).service, facts, abilities);
  assert.deepEqual({ notApplied, refusal }, { notApplied: [], refusal: undefined });
  return spec;
}

/** What a script prints when it is confined by these settings. */
function seen(
  context: TestContext,
  settings: string,
  script: string,
  facts?: ConfinementFacts,
  before?: string,
): Promise<string[]> {
  return lines(context, script, specOf(settings, facts), before);
}

/** `yes` or `no` for each command of a script. */
function allowed(...commands: readonly string[]): string {
  return commands.map((one) => `if (${one}) >/dev/null 2>&1; then echo yes; else echo no; fi`).join("\n");
}

/** A root of the test's own to write to: an overlay would need a disk, and a file system in memory does as well. */
const scratch = "mount -t tmpfs scratch /srv; mkdir /srv/a /srv/a/b /srv/c /srv/lib; echo 1 > /srv/a/file";

test("ProtectSystem=strict leaves what is listed writable", needsRoot, async (context) => {
  const script = allowed(
    "echo > /srv/c/x",
    "echo > /usr/x",
    "echo > /srv/a/b/x",
    "echo > /srv/a/x",
    "echo > /srv/lib/x",
    "echo > /dev/null",
  );
  const settings = "ProtectSystem=strict\nReadWritePaths=/srv/a/b -/nowhere\nReadOnlyPaths=/srv/lib";
  const facts = { directories: ["/srv/c"] };
  assert.deepEqual(await seen(context, settings, script, facts, scratch), [
    "yes",
    "no",
    "yes",
    "no",
    "no",
    "yes",
  ]);
});

test("homes are hidden, read-only or empty", needsRoot, async (context) => {
  const before = "mount -t tmpfs home /home; mkdir /home/x; echo 1 > /home/x/file";
  const script = allowed("ls /home/x", "cat /home/x/file", "echo > /home/x/other");
  assert.deepEqual(await seen(context, "ProtectHome=yes", script, {}, before), ["no", "no", "no"]);
  assert.deepEqual(await seen(context, "ProtectHome=read-only", script, {}, before), ["yes", "yes", "no"]);
  assert.deepEqual(await seen(context, "ProtectHome=tmpfs", script, {}, before), ["no", "no", "no"]);
  assert.deepEqual(await seen(context, "ProtectHome=tmpfs\nBindReadOnlyPaths=/home/x", script, {}, before), [
    "yes",
    "yes",
    "no",
  ]);
});

test("paths are bound, hidden and made not executable", needsRoot, async (context) => {
  const before = `${scratch}; cp /bin/true /srv/c/true; cp /bin/true /srv/lib/true`;
  const settings =
    "BindPaths=/srv/a:/srv/new/place\nInaccessiblePaths=/srv/a/b\nNoExecPaths=/srv\nExecPaths=/srv/lib\nTemporaryFileSystem=/opt:size=1m,ro";
  const script = allowed(
    "cat /srv/new/place/file",
    "ls /srv/a/b/",
    "cat /srv/c/true",
    "/srv/c/true",
    "/srv/lib/true",
    "echo > /opt/x",
  );
  assert.deepEqual(await seen(context, `${settings}\nCapabilityBoundingSet=`, script, {}, before), [
    "yes",
    "no",
    "yes",
    "no",
    "yes",
    "no",
  ]);
});

test("a unit has its own /tmp, for each of its processes the same", needsRoot, async (context) => {
  const base = directory(context);
  const privateTmp = { tmp: join(base, "tmp"), varTmp: join(base, "var-tmp") };
  for (const path of Object.values(privateTmp)) mkdirSync(path);
  assert.deepEqual(
    await seen(context, "PrivateTmp=yes", "ls -A /tmp; echo 1 > /tmp/x; echo 2 > /var/tmp/y", { privateTmp }),
    [],
  );
  assert.deepEqual(
    await seen(context, "PrivateTmp=yes\nProtectSystem=strict", "cat /tmp/x /var/tmp/y; touch /tmp/z", {
      privateTmp,
    }),
    ["1", "2"],
  );
});

test("the kernel's files can be read and no more", needsRoot, async (context) => {
  const settings =
    "ProtectKernelTunables=yes\nProtectKernelLogs=yes\nProtectControlGroups=yes\nProtectKernelModules=yes";
  const script = allowed(
    "cat /proc/sys/kernel/hostname",
    "cat /proc/sys/kernel/hostname > /proc/sys/kernel/hostname",
    "head -c1 /proc/kcore",
    "dmesg",
    "ls /lib/modules/*",
  );
  assert.deepEqual(await seen(context, settings, script, {}, "mkdir -p /usr/lib/modules"), [
    "yes",
    "no",
    "no",
    "no",
    "no",
  ]);
});

test("other processes are hidden", needsRoot, async (context) => {
  const spec = { ...specOf("ProtectProc=invisible\nProcSubset=pid"), uid: nobody, gid: nobody, groups: [] };
  const before = `${scratch}; sleep 1000 </dev/null >/dev/null 2>&1 & echo $! > /srv/pid`;
  const script = allowed("ls /proc/$(cat /srv/pid)/", "ls /proc/self/", "cat /proc/version");
  assert.deepEqual(await lines(context, script, spec, before), ["no", "yes", "no"]);
  assert.deepEqual(await lines(context, script, {}, before), ["yes", "yes", "yes"]);
});

test("there is no hardware in a /dev of its own", needsRoot, async (context) => {
  const script = `${allowed("echo > /dev/null", "mknod /dev/shm/node c 1 3", "echo > /dev/x")}; ls /dev | grep -c -e '^vd' -e '^sd' -e '^mem$' -e '^kmsg$' || :`;
  assert.deepEqual(await seen(context, "PrivateDevices=yes", script), ["yes", "no", "no", "0"]);
});

test("networks, users, hosts and queues are their own", needsRoot, async (context) => {
  const settings = "PrivateNetwork=yes\nPrivateUsers=yes\nProtectHostname=yes\nPrivateIPC=yes";
  const script = `cut -s -d: -f1 /proc/net/dev | tr -d ' '; ${allowed("hostname other", "unshare --ipc true")}
    for one in net user uts ipc; do readlink /proc/self/ns/$one; done`;
  const [devices, renames, unshares, ...own] = await seen(context, settings, script);
  assert.deepEqual([devices, renames, unshares], ["lo", "no", "yes"]);
  const theirs = await lines(
    context,
    "for one in net user uts ipc; do readlink /proc/self/ns/$one; done",
    {},
  );
  for (const [index, one] of own.entries()) assert.notEqual(one, theirs[index]);
});

/** Python makes system calls by any number. */
const python =
  "import ctypes,os,sys;l=ctypes.CDLL(None,use_errno=True);r=l.syscall(*map(int,sys.argv[1:]));print(r if r<0 else 0,ctypes.get_errno() if r<0 else 0)";
const numbers = { x64: { unshare: 272, clone3: 435, personality: 135, socket: 41, mprotect: 10 } };

test("system calls are filtered by their arguments", {
  skip: needsRoot.skip || (process.arch === "x64" ? false : "numbers of x86-64"),
}, async (context) => {
  const settings =
    "RestrictNamespaces=~user net\nRestrictAddressFamilies=AF_UNIX\nLockPersonality=yes\nRestrictSUIDSGID=yes\nRestrictRealtime=yes\nMemoryDenyWriteExecute=yes\nSystemCallArchitectures=native\nSystemCallFilter=~@reboot uname:EPIPE\nSystemCallErrorNumber=EXDEV";
  const { unshare, clone3, personality, socket } = numbers.x64;
  const by = (...values: number[]): string => `python3 -c '${python}' ${values.join(" ")}`;
  const script = [
    by(unshare, 0x10000000),
    by(unshare, 0x04000000),
    by(clone3, 0, 0),
    by(personality, 1),
    by(socket, 2, 1, 0),
    by(socket, 1, 1, 0),
    by(169, 0, 0, 0),
    by(63, 0),
    allowed(
      "touch /srv/f && chmod 4755 /srv/f",
      "touch /srv/f && chmod 755 /srv/f",
      "chrt -f 1 true",
      "chrt -b 0 true",
    ),
  ].join("\n");
  assert.deepEqual(await seen(context, settings, script, {}, scratch), [
    "-1 1",
    "0 0",
    "-1 38",
    "-1 1",
    "-1 97",
    "0 0",
    "-1 18",
    "-1 32",
    "no",
    "yes",
    "no",
    "yes",
  ]);
});

test(
  "who calls what is not listed is killed, and usual programs call what is",
  needsRoot,
  async (context) => {
    const facts = { uid: nobody };
    const spec = {
      ...specOf("SystemCallFilter=@system-service", facts),
      uid: nobody,
      gid: nobody,
      groups: [],
    };
    assert.equal(spec.noNewPrivileges, true);
    assert.deepEqual(await lines(context, "id -u; ls /usr >/dev/null; echo $((6 * 7))", spec), [
      "65534",
      "42",
    ]);
    const outcome = await confined(context, {
      ...spec,
      arguments: ["/bin/mount", "-t", "tmpfs", "x", "/mnt"],
    });
    assert.equal(outcome.signal ?? outcome.code, "SIGSYS", JSON.stringify(outcome));
  },
);

test(
  "another root has the kernel's file systems, and the unit's own directories",
  needsRoot,
  async (context) => {
    const base = directory(context);
    const root = join(base, "root");
    mkdirSync(join(base, "state"));
    mkdirSync(root);
    writeFileSync(join(base, "state", "file"), "state\n");
    const settings = `RootDirectory=${root}\nBindReadOnlyPaths=/usr /bin /lib -/lib64\nPrivateDevices=yes`;
    const script = `cat ${base}/state/file; ${allowed("echo > /dev/null", "ls /proc/self/", "ls /sys/kernel", "ls /run", "ls /etc", "echo > /usr/x")}`;
    assert.deepEqual(await seen(context, settings, script, { directories: [join(base, "state")] }), [
      "state",
      "yes",
      "yes",
      "yes",
      "yes",
      "no",
      "no",
    ]);
  },
);

test("a dynamic user's unit sees its own directories alone", needsRoot, async (context) => {
  const base = directory(context);
  const privateTmp = { tmp: join(base, "tmp"), varTmp: join(base, "var-tmp") };
  for (const path of Object.values(privateTmp)) mkdirSync(path, { mode: 0o1777 });
  const before = `mount -t tmpfs lib /srv; mkdir -m 700 /srv/private; mkdir /srv/private/x /srv/private/y; chown ${nobody} /srv/private/x`;
  const facts = { uid: nobody, privateTmp, directories: ["/srv/private/x"] };
  const spec = { ...specOf("DynamicUser=yes", facts), uid: nobody, gid: nobody, groups: [] };
  const script = `echo 1 > /srv/private/x/file; ls /srv/private; ${allowed("echo > /srv/private/z", "echo > /usr/x")}; grep NoNewPrivs /proc/self/status | cut -f2`;
  assert.deepEqual(await lines(context, script, spec, before), ["x", "no", "no", "1"]);
});
