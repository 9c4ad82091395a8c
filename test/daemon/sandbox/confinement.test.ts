// What directives become: mounts in their order, namespaces, capabilities, and what is told of those that are not applied.

import assert from "node:assert/strict";
import { test } from "node:test";
import type { MountAction } from "../../../src/daemon/keeper/types.js";
import {
  type ConfinementFacts,
  confinement,
  usesPrivateTmp,
} from "../../../src/daemon/sandbox/confinement.js";
import { orderedMounts } from "../../../src/daemon/sandbox/mount-order.js";
import type { Abilities, Ability, Confinement } from "../../../src/daemon/sandbox/types.js";
import { serviceOf } from "../../systemd-compat/fixtures.js";

const privateTmp = { tmp: "/run/x/tmp", varTmp: "/run/x/var-tmp" };
const all: Abilities = { architecture: "x64", missing: {}, filtersNeedNoNewPrivileges: false };

function without(...abilities: readonly Ability[]): Abilities {
  const missing = Object.fromEntries(abilities.map((name) => [name, "Operation not permitted"]));
  return { ...all, missing };
}

function of(lines: string, facts: ConfinementFacts = {}, abilities = all): Confinement {
  return confinement(serviceOf(lines).service, { privateTmp, ...facts }, abilities);
}

/** One word for an action. */
function shown(action: MountAction): string {
  if (action.kind === "devices") return "devices";
  const optional = action.optional === true ? "?" : "";
  const from = action.kind === "bind" ? `${action.source}>` : "";
  const options =
    "options" in action && action.options !== undefined && action.options !== "" ? `:${action.options}` : "";
  return `${action.kind}${optional} ${from}${action.path}${options}`;
}

function mounts(lines: string, facts: ConfinementFacts = {}, abilities = all): string[] {
  return (of(lines, facts, abilities).spec.mounts ?? []).map(shown);
}

test("a unit that asks for nothing gets nothing", () => {
  const lines = "PrivateTmp=no\nProtectSystem=no\nProtectProc=default\nMountFlags=shared";
  assert.deepEqual(of(lines), { spec: {}, notApplied: [] });
});

test("ProtectSystem= and ProtectHome= make directories read-only, or hide them", () => {
  assert.deepEqual(mounts("ProtectSystem=full").slice(0, 3), [
    "read-only? /usr",
    "read-only? /boot",
    "read-only? /efi",
  ]);
  assert.ok(mounts("ProtectSystem=full").includes("read-only? /etc"));
  assert.ok(!mounts("ProtectSystem=yes").includes("read-only? /etc"));
  assert.deepEqual(mounts("ProtectSystem=strict\nReadWritePaths=/var/log -/srv"), [
    "read-only /",
    "read-write? /proc",
    "read-write? /sys",
    "read-write? /dev",
    "read-write? /home",
    "read-write? /root",
    "read-write? /srv",
    "read-write? /run/user",
    "read-write /var/log",
  ]);
  assert.deepEqual(mounts("ProtectHome=yes"), [
    "inaccessible? /home",
    "inaccessible? /root",
    "inaccessible? /run/user",
  ]);
  assert.deepEqual(
    mounts("ProtectHome=tmpfs\nBindPaths=/home/x").map((one) => one.split(":")[0]),
    ["tmpfs? /home", "tmpfs? /root", "bind /home/x>/home/x", "tmpfs? /run/user"],
  );
});

test("a unit's own directories stay writable", () => {
  const facts = { directories: ["/var/lib/x", "/run/x"] };
  assert.deepEqual(mounts("ProtectSystem=strict", facts).slice(-2), [
    "read-write? /run/x",
    "read-write? /var/lib/x",
  ]);
  assert.deepEqual(mounts("ProtectHome=read-only", facts).slice(-1), ["read-only? /run/user"]);
  assert.deepEqual(
    mounts("TemporaryFileSystem=/var", { ...facts, readable: ["/run/notify", "/var/credentials"] }),
    [
      "tmpfs /var:mode=0755,nodev,strictatime",
      "bind? /var/credentials>/var/credentials",
      "read-only? /var/credentials",
      "bind /var/lib/x>/var/lib/x",
    ],
  );
});

test("a dynamic user's unit is strictly confined", () => {
  const { spec } = of("DynamicUser=yes", {
    uid: 61999,
    directories: ["/var/lib/private/x", "/run/private/y/z"],
  });
  const actions = (spec.mounts ?? []).map((one) => shown(one).split(":")[0]);
  assert.equal(spec.noNewPrivileges, true);
  for (const one of [
    "read-only /",
    "bind /run/x/tmp>/tmp",
    "read-only? /home",
    "tmpfs /var/lib/private",
    "bind /var/lib/private/x>/var/lib/private/x",
    "tmpfs /run/private",
    "bind /run/private/y/z>/run/private/y/z",
  ])
    assert.ok(actions.includes(one), `${one} in ${actions.join(", ")}`);
  assert.ok(actions.indexOf("read-only /") < actions.indexOf("bind /run/x/tmp>/tmp"));
  assert.ok(mounts("DynamicUser=yes\nProtectHome=yes").includes("inaccessible? /home"));
  assert.equal(usesPrivateTmp(serviceOf("DynamicUser=yes").service), true);
});

test("mounts have their parents first, and contradict themselves nowhere", () => {
  const order = (...actions: readonly MountAction[]): string[] => orderedMounts(actions).map(shown);
  assert.deepEqual(
    order(
      { kind: "read-write", path: "/a/b", optional: true },
      { kind: "bind", source: "/s", path: "/a/b/c" },
      { kind: "read-only", path: "/a/b/c" },
      { kind: "read-only", path: "/a" },
    ),
    ["read-only /a", "read-write? /a/b", "bind /s>/a/b/c", "read-only /a/b/c"],
  );
  assert.deepEqual(
    order({ kind: "read-write", path: "/a" }, { kind: "read-only", path: "/a", optional: true }),
    ["read-only? /a"],
  );
  assert.deepEqual(
    order(
      { kind: "read-only", path: "/a", optional: true },
      { kind: "read-only", path: "/a" },
      { kind: "no-exec", path: "/a" },
      { kind: "exec", path: "/a" },
    ),
    ["read-only /a", "no-exec /a"],
  );
  assert.deepEqual(
    order(
      { kind: "inaccessible", path: "/a" },
      { kind: "bind", source: "/s", path: "/a/b" },
      { kind: "read-only", path: "/a" },
      { kind: "read-only", path: "/ab" },
    ),
    ["inaccessible /a", "read-only /ab"],
  );
  assert.deepEqual(order({ kind: "inaccessible", path: "/" }, { kind: "read-only", path: "/x" }), [
    "inaccessible /",
  ]);
  // Nothing above is read-only: it takes nothing back, but must be there if it must.
  assert.deepEqual(order({ kind: "read-write", path: "/a", optional: true }, { kind: "exec", path: "/b" }), [
    "exec /b",
  ]);
});

test("the kernel's files are protected", () => {
  const tunables = mounts("ProtectKernelTunables=yes\nProtectControlGroups=yes");
  for (const one of [
    "read-only? /proc/sys",
    "read-only? /sys",
    "inaccessible? /proc/kcore",
    "read-only? /sys/fs/cgroup",
  ])
    assert.ok(tunables.includes(one), one);
  assert.ok(mounts("ProtectKernelTunables=yes").includes("read-write? /sys/fs/cgroup"));
  assert.deepEqual(mounts("ProtectKernelLogs=yes\nPrivateDevices=yes"), [
    "devices",
    "inaccessible? /proc/kmsg",
    "inaccessible? /dev/kmsg",
  ]);
  assert.deepEqual(mounts("ProtectProc=invisible\nProcSubset=pid"), [
    "proc /proc:hidepid=invisible,subset=pid",
  ]);
  assert.deepEqual(mounts("ProtectProc=invisible\nProcSubset=pid", {}, without("subset of /proc")), [
    "proc /proc:hidepid=invisible",
  ]);
});

test("another root is filled with what programs need", () => {
  const { spec } = of("RootDirectory=/srv/r\nReadOnlyPaths=/srv/r/etc /other +/usr\nBindPaths=/a:/b", {
    directories: ["/var/lib/x"],
  });
  assert.equal(spec.rootDirectory, "/srv/r");
  assert.deepEqual(spec.namespaces, ["mount"]);
  assert.deepEqual((spec.mounts ?? []).map(shown), [
    "bind /a>/b",
    "bind /sys>/sys",
    "bind /dev>/dev",
    "proc /proc",
    "tmpfs /run:mode=0755,nosuid,nodev",
    "read-only /etc",
    "read-only /usr",
    "bind /var/lib/x>/var/lib/x",
  ]);
  assert.deepEqual(of("RootDirectory=/srv/r\nMountAPIVFS=no").spec, { rootDirectory: "/srv/r" });
});

test("namespaces are made, or joined", () => {
  const namespaces = (lines: string, facts = {}) => of(lines, facts).spec.namespaces;
  assert.deepEqual(namespaces("PrivateNetwork=yes\nPrivateUsers=yes\nProtectHostname=yes"), [
    "network",
    "user",
    "uts",
  ]);
  assert.deepEqual(namespaces("PrivateIPC=yes"), ["ipc", "mount"]);
  assert.deepEqual(namespaces("PrivateMounts=yes"), ["mount"]);
  assert.equal(of("MountFlags=private").spec.mountPropagation, "private");
  assert.deepEqual(of("PrivateNetwork=yes\nNetworkNamespacePath=/run/netns/a").spec, {
    networkNamespacePath: "/run/netns/a",
  });
  assert.deepEqual(of("PrivateNetwork=yes", { joins: { network: "/proc/7/ns/net" } }).spec, {
    networkNamespacePath: "/proc/7/ns/net",
  });
  assert.deepEqual(of("", { joins: { network: "/proc/7/ns/net" } }).spec, {});
});

test("capabilities are taken away and given", () => {
  assert.equal(
    of("CapabilityBoundingSet=CAP_CHOWN CAP_SYS_TIME").spec.boundingCapabilities,
    1n | (1n << 25n),
  );
  assert.equal(
    of("CapabilityBoundingSet=CAP_CHOWN CAP_SYS_TIME\nProtectClock=yes").spec.boundingCapabilities,
    1n,
  );
  assert.equal(of("CapabilityBoundingSet=").spec.boundingCapabilities, 0n);
  const dropped = of("PrivateDevices=yes").spec.boundingCapabilities ?? 0n;
  assert.equal(dropped, ((1n << 63n) - 1n) & ~(1n << 27n) & ~(1n << 17n));
  assert.equal(of("AmbientCapabilities=CAP_NET_BIND_SERVICE").spec.ambientCapabilities, 1n << 10n);
  assert.equal(of("SecureBits=noroot-locked keep-caps").spec.secureBits, 0x12);
  const few = { ...all, capabilities: "0000000000000401" };
  assert.deepEqual(
    of(
      "AmbientCapabilities=CAP_NET_BIND_SERVICE CAP_SYS_NICE CAP_CHOWN\nCapabilityBoundingSet=~CAP_CHOWN",
      {},
      few,
    ),
    {
      spec: {
        boundingCapabilities: ((1n << 41n) - 1n) & ~1n,
        ambientCapabilities: 1n << 10n,
      },
      notApplied: [
        {
          directive: "AmbientCapabilities",
          extent: "partly",
          why: "we do not have CAP_SYS_NICE; the unit's bounding set does not have CAP_CHOWN",
        },
      ],
    },
  );
});

test("who is not root gives up new privileges for filters", () => {
  const privileges = (lines: string, uid?: number, abilities = all) =>
    of(lines, uid === undefined ? {} : { uid }, abilities).spec.noNewPrivileges === true;
  assert.equal(privileges("NoNewPrivileges=yes"), true);
  assert.equal(privileges("RestrictRealtime=yes"), false);
  assert.equal(privileges("RestrictRealtime=yes", 0), false);
  assert.equal(privileges("RestrictRealtime=yes", 33), true);
  assert.equal(privileges("SystemCallFilter=~mount", 33), true);
  assert.equal(privileges("ProtectSystem=full", 33), false);
  assert.equal(privileges("RestrictRealtime=yes", 0, { ...all, filtersNeedNoNewPrivileges: true }), true);
});

test("what the kernel does not let us is told, and the rest is applied", () => {
  const lines = "ProtectSystem=full\nProtectKernelModules=yes\nRestrictRealtime=yes\nNoNewPrivileges=yes";
  const { spec, notApplied } = of(lines, {}, without("mount namespace", "system call filters"));
  assert.deepEqual(Object.keys(spec).sort(), ["boundingCapabilities", "noNewPrivileges"]);
  const mount = "mount namespace: Operation not permitted";
  const filter = "system call filters: Operation not permitted";
  assert.deepEqual(notApplied, [
    { directive: "ProtectSystem", extent: "not", why: `the kernel does not let us: ${mount}` },
    {
      directive: "ProtectKernelModules",
      extent: "partly",
      why: `the kernel does not let us: ${mount}; ${filter}`,
    },
    { directive: "RestrictRealtime", extent: "not", why: `the kernel does not let us: ${filter}` },
  ]);
  assert.deepEqual(of("PrivateNetwork=yes", {}, without("network namespace")).notApplied, [
    {
      directive: "PrivateNetwork",
      extent: "not",
      why: "the kernel does not let us: network namespace: Operation not permitted",
    },
  ]);
});

test("no abilities at all leave nothing behind that could fail", () => {
  const abilities = without(
    ...([
      "mount namespace",
      "network namespace",
      "IPC namespace",
      "UTS namespace",
      "user namespace",
    ] as const),
    ...(["capability bounding set", "system call filters", "no new privileges", "root directory"] as const),
  );
  const lines = `${"PrivateTmp PrivateDevices PrivateNetwork PrivateIPC PrivateUsers ProtectHostname ProtectClock NoNewPrivileges RestrictNamespaces LockPersonality"
    .split(" ")
    .map((name) => `${name}=yes`)
    .join("\n")}\nProtectSystem=strict\nSystemCallFilter=@system-service\nSystemCallArchitectures=native`;
  const { spec, notApplied, refusal } = of(lines, { uid: 33 }, abilities);
  assert.deepEqual(spec, {});
  assert.equal(refusal, undefined);
  assert.equal(new Set(notApplied.map(({ directive }) => directive)).size, 13);
});

test("a unit that would work in the wrong place does not start", () => {
  const abilities = without("mount namespace", "root directory", "network namespace");
  for (const lines of [
    "BindPaths=/a:/b",
    "TemporaryFileSystem=/var",
    "RootDirectory=/r",
    "NetworkNamespacePath=/n",
  ])
    assert.match(
      of(lines, {}, abilities).refusal ?? "",
      /cannot be applied: the kernel does not let us: .*Operation not/,
    );
  for (const lines of ["BindPaths=/a", "ProtectHome=yes", "PrivateNetwork=yes"])
    assert.equal(of(lines, {}, abilities).refusal, undefined, lines);
});

test("names and domains that nobody has are told", () => {
  assert.deepEqual(of("SystemCallFilter=~mount riscv_hwprobe frobnicate").notApplied, [
    {
      directive: "SystemCallFilter",
      extent: "partly",
      why: "no system call is known by the name of frobnicate",
    },
  ]);
  assert.equal(of("Personality=x86").spec.personality, 8);
  assert.equal(of("Personality=s390x").notApplied[0]?.extent, "not");
  assert.deepEqual(of("LockPersonality=yes", {}, { ...all, architecture: "riscv64" }).notApplied, [
    {
      directive: "LockPersonality",
      extent: "not",
      why: "the kernel does not let us: system call filters: they are written for x86-64 and arm64, not for riscv64",
    },
  ]);
});
