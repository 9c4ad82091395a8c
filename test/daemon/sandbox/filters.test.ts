// System call filters: what becomes of calls, by a simulation of the kernel's.

import assert from "node:assert/strict";
import { test } from "node:test";
import { confinement } from "../../../src/daemon/sandbox/confinement.js";
import { filterProgram } from "../../../src/daemon/sandbox/filters/program.js";
import { interfacesOf } from "../../../src/daemon/sandbox/syscalls/architectures.js";
import { callsOf } from "../../../src/daemon/sandbox/syscalls/sets.js";
import type { Abilities } from "../../../src/daemon/sandbox/types.js";
import { serviceOf } from "../../systemd-compat/fixtures.js";
import { call, judged } from "./simulator.js";

function able(architecture: string): Abilities {
  return { architecture, missing: {}, filtersNeedNoNewPrivileges: false };
}

function filtersOf(lines: string, architecture = "x64"): readonly Uint8Array[] {
  const facts = { privateTmp: { tmp: "/p/tmp", varTmp: "/p/var-tmp" } };
  return confinement(serviceOf(lines).service, facts, able(architecture)).spec.systemCallFilters ?? [];
}

/** Has one case a line: a call, its arguments, and what becomes of it. */
function check(
  lines: string,
  cases: readonly (readonly [...Parameters<typeof call>, string])[] | Cases,
): void {
  const filters = filtersOf(lines);
  for (const [name, values, result, on] of cases as Cases)
    assert.equal(
      judged(filters, call(name, values, on)),
      result,
      `${lines}: ${name}(${values}) on ${on ?? "x86-64"}`,
    );
}
type Cases = readonly (readonly [string, readonly (number | bigint)[], string, ("x32" | "x86")?])[];

test("tables have the numbers that the kernel has", () => {
  const numbers = (machine: string, names: readonly string[]): (number | undefined)[][] =>
    interfacesOf(machine).map((one) => names.map((name) => one.numbers.get(name)));
  const names = ["read", "socket", "execve", "openat", "clone3", "fchmodat2", "ioctl"];
  assert.deepEqual(numbers("x64", names), [
    [0, 41, 59, 257, 435, 452, 16],
    [0, 41, 520, 257, 435, 452, 514],
    [3, 359, 11, 295, 435, 452, 54],
  ]);
  assert.deepEqual(numbers("arm64", names), [
    [63, 198, 221, 56, 435, 452, 29],
    [3, 281, 11, 322, 435, 452, 54],
  ]);
  assert.deepEqual(interfacesOf("riscv64"), []);
});

test("groups contain groups", () => {
  assert.ok(callsOf("@system-service").has("read"));
  assert.ok(callsOf("@system-service").has("epoll_wait"));
  assert.ok(!callsOf("@system-service").has("mount"));
  assert.ok(callsOf("@privileged").has("init_module"));
  assert.ok(callsOf("@known").has("mount") && !callsOf("@known").has("mseal"));
});

test("of many numbers each gets what its rules say", () => {
  // Far jumps too, and several rules for a number.
  const rules = new Map(
    Array.from({ length: 600 }, (_, index) => [
      index * 3,
      [
        { tests: [{ argument: 5, low: 7, high: 9 }], action: "kill" as const },
        { tests: [{ argument: 1, mask: 0xf0, low: 0x30, high: 0x30 }], action: "allow" as const },
        {
          tests: [
            { argument: 0, low: 1, high: 1 },
            { argument: 1, low: 2, high: 0xffffffff },
          ],
          action: { errno: 2 },
        },
      ],
    ]),
  );
  const small = new Map([...rules].slice(0, 200));
  assert.throws(
    () =>
      filterProgram([{ audit: 1, base: 0, calls: { rules, otherwise: "kill", unknown: "allow" } }], "kill"),
    /too long/,
  );
  const filter = filterProgram(
    [
      { audit: 1, base: 0, calls: { rules: small, otherwise: { errno: 1 }, unknown: "allow" } },
      { audit: 2, base: 0, calls: "kill" },
    ],
    { errno: 38 },
  );
  const result = (audit: number, number: number, ...values: number[]): string =>
    judged([filter], { audit, number, arguments: values });
  for (let number = 0; number < 700; number++)
    assert.equal(result(1, number), number % 3 === 0 && number < 600 ? "EPERM" : "allow", String(number));
  assert.equal(result(1, 300, 0, 0, 0, 0, 0, 6), "EPERM");
  assert.equal(result(1, 300, 0, 0, 0, 0, 0, 7), "kill");
  assert.equal(result(1, 300, 0, 0, 0, 0, 0, 9), "kill");
  assert.equal(result(1, 300, 0, 0, 0, 0, 0, 10), "EPERM");
  assert.equal(result(1, 300, 0, 0x1030), "allow");
  assert.equal(result(1, 300, 0, 0x40), "EPERM");
  assert.equal(result(1, 300, 1, 0x40), "ENOENT");
  assert.equal(result(1, 300, 1, 1), "EPERM");
  assert.equal(result(1, 0xffffffff), "allow");
  assert.equal(result(2, 0), "kill");
  assert.equal(result(3, 0), "ENOSYS");
});

test("a list of calls that are allowed refuses all others", () => {
  check("SystemCallFilter=@system-service\nSystemCallErrorNumber=EPERM", [
    ["read", [], "allow"],
    ["execve", [], "allow"],
    ["mount", [], "EPERM"],
    ["mount", [], "EPERM", "x86"],
    ["read", [], "allow", "x86"],
    ["connect", [], "allow", "x86"],
    ["ioctl", [], "allow", "x32"],
    ["mount", [], "EPERM", "x32"],
    ["mseal", [], "ENOSYS"],
  ]);
  check("SystemCallFilter=read write\nSystemCallFilter=~write", [
    ["read", [], "allow"],
    ["write", [], "kill"],
    ["exit_group", [], "allow"],
  ]);
  assert.equal(
    judged(filtersOf("SystemCallFilter=read"), { audit: 0xc000003e, number: 2000, arguments: [] }),
    "ENOSYS",
  );
});

test("a list of calls that are refused allows all others, with errors of their own", () => {
  check(
    "SystemCallFilter=~@mount reboot:kill swapon:ENOSYS\nSystemCallFilter=umount2\nSystemCallErrorNumber=13",
    [
      ["mount", [], "EACCES"],
      ["umount2", [], "allow"],
      ["reboot", [], "kill"],
      ["swapon", [], "ENOSYS"],
      ["swapon", [], "ENOSYS", "x32"],
      ["read", [], "allow"],
      ["mseal", [], "allow"],
    ],
  );
});

test("calls that 32-bit x86 has in one are told apart", () => {
  check("SystemCallFilter=~connect shmget\nSystemCallErrorNumber=EPERM", [
    ["socketcall", [3], "EPERM", "x86"],
    ["socketcall", [2], "allow", "x86"],
    ["ipc", [0x10017], "EPERM", "x86"],
    ["ipc", [24], "allow", "x86"],
  ]);
  check("SystemCallFilter=connect", [
    ["socketcall", [3], "allow", "x86"],
    ["socketcall", [2], "kill", "x86"],
  ]);
});

test("programs of other architectures are killed where only some may run", () => {
  check("SystemCallArchitectures=native", [
    ["read", [], "allow"],
    ["read", [], "kill", "x86"],
    ["read", [], "kill", "x32"],
  ]);
  check("SystemCallArchitectures=native x86", [
    ["read", [], "allow", "x86"],
    ["read", [], "kill", "x32"],
  ]);
  const [filter] = filtersOf("SystemCallArchitectures=native", "arm64");
  assert.ok(filter !== undefined);
  assert.equal(judged([filter], call("read", [], "arm64")), "allow");
  assert.equal(judged([filter], call("read", [], "arm")), "kill");
  assert.equal(judged([filter], call("read", [], "x86-64")), "kill");
});

test("RestrictNamespaces= looks at flags", () => {
  check("RestrictNamespaces=yes", [
    ["clone", [0x11], "allow"],
    ["clone", [0x10000011], "EPERM"],
    ["clone3", [], "ENOSYS"],
    ["unshare", [0x400], "allow"],
    ["unshare", [0x00020000], "EPERM"],
    ["unshare", [0x80], "EPERM"],
    ["setns", [3, 0x40000000], "EPERM"],
    ["setns", [3, 0x40000000], "EPERM", "x86"],
  ]);
  check("RestrictNamespaces=~user", [
    ["unshare", [0x00020000], "allow"],
    ["unshare", [0x10020000], "EPERM"],
    ["setns", [3, 0], "EPERM"],
    ["setns", [3, 0x40000000], "allow"],
  ]);
  check("RestrictNamespaces=no", [["unshare", [0x7e020000], "allow"]]);
});

test("RestrictAddressFamilies= looks at families alone", () => {
  check("RestrictAddressFamilies=AF_UNIX AF_INET6 AF_INET", [
    ["socket", [0], "EAFNOSUPPORT"],
    ["socket", [1], "allow"],
    ["socket", [2], "allow"],
    ["socket", [3], "EAFNOSUPPORT"],
    ["socket", [10], "allow"],
    ["socket", [11], "EAFNOSUPPORT"],
    ["socket", [2n ** 32n + 16n], "EAFNOSUPPORT"],
    ["socket", [-1], "EAFNOSUPPORT"],
    ["socketpair", [1], "allow"],
  ]);
  check("RestrictAddressFamilies=~AF_PACKET AF_NETLINK", [
    ["socket", [16], "EAFNOSUPPORT"],
    ["socket", [17], "EAFNOSUPPORT"],
    // The kernel looks at the lower half only.
    ["socket", [2n ** 32n + 17n], "EAFNOSUPPORT"],
    ["socket", [18], "allow"],
  ]);
  check("RestrictAddressFamilies=none", [
    ["socket", [0], "EAFNOSUPPORT"],
    ["socket", [1], "EAFNOSUPPORT"],
  ]);
});

test("memory, modes, policies and domains are looked at", () => {
  check("MemoryDenyWriteExecute=yes", [
    ["mmap", [0, 4096, 3], "allow"],
    ["mmap", [0, 4096, 5], "allow"],
    ["mmap", [0, 4096, 6], "EPERM"],
    ["mprotect", [0, 4096, 4], "EPERM"],
    ["mprotect", [0, 4096, 3], "allow"],
    ["pkey_mprotect", [0, 4096, 5], "EPERM"],
    ["shmat", [0, 0, 0o100000], "EPERM"],
    ["mmap", [0], "EPERM", "x86"],
    ["mmap2", [0, 0, 5], "allow", "x86"],
  ]);
  check("RestrictSUIDSGID=yes", [
    ["chmod", [0, 0o755], "allow"],
    ["chmod", [0, 0o2755], "EPERM"],
    ["fchmodat2", [0, 0, 0o4755], "EPERM"],
    ["open", [0, 0, 0o4755], "allow"],
    ["open", [0, 0o100, 0o4755], "EPERM"],
    ["openat", [0, 0, 0o20200000, 0o2755], "EPERM"],
    ["openat", [0, 0, 0o100, 0o755], "allow"],
    ["openat2", [], "ENOSYS"],
    ["mknodat", [0, 0, 0o104000], "EPERM"],
  ]);
  check("RestrictRealtime=yes", [
    ...[0, 3, 5, 0x40000000].map((policy) => ["sched_setscheduler", [0, policy], "allow"] as const),
    ...[1, 2, 4, 6, 7, 0x40000001, 0x80000000].map(
      (policy) => ["sched_setscheduler", [0, policy], "EPERM"] as const,
    ),
    ["sched_setattr", [], "ENOSYS"],
  ]);
  check("LockPersonality=yes", [
    ["personality", [0], "allow"],
    ["personality", [0xffffffff], "allow"],
    ["personality", [1], "EPERM"],
    ["personality", [0xfffffffe], "EPERM"],
  ]);
  check("LockPersonality=yes\nPersonality=x86", [
    ["personality", [8], "allow"],
    ["personality", [0], "EPERM"],
    ["personality", [9], "EPERM"],
  ]);
});

test("what directives forbid is forbidden whatever is listed", () => {
  check(
    "ProtectKernelModules=yes\nProtectKernelLogs=yes\nProtectClock=yes\nProtectHostname=yes\nPrivateDevices=yes\nProtectKernelTunables=yes\nSystemCallFilter=@known",
    [
      ["init_module", [], "EPERM"],
      ["syslog", [], "EPERM"],
      ["settimeofday", [], "EPERM"],
      ["clock_settime64", [], "EPERM", "x86"],
      ["sethostname", [], "EPERM"],
      ["iopl", [], "EPERM"],
      ["_sysctl", [], "EPERM"],
      ["read", [], "allow"],
    ],
  );
  check("DynamicUser=yes", [["chmod", [0, 0o4755], "EPERM"]]);
});

test("the filters of usual services are short, and on arm64 there are some too", () => {
  for (const machine of ["x64", "arm64"]) {
    const filters = filtersOf(
      "SystemCallFilter=@system-service\nSystemCallFilter=~@privileged @resources\nRestrictAddressFamilies=AF_UNIX AF_INET AF_INET6\nRestrictNamespaces=yes\nMemoryDenyWriteExecute=yes\nLockPersonality=yes\nSystemCallArchitectures=native",
      machine,
    );
    assert.equal(filters.length, 2);
    for (const filter of filters) assert.ok(filter.length / 8 < 1000, `${machine}: ${filter.length / 8}`);
    const on = machine === "x64" ? "x86-64" : "arm64";
    assert.equal(judged(filters, call("read", [], on)), "allow");
    assert.equal(judged(filters, call("setuid", [], on)), "kill");
    assert.equal(judged(filters, call("clone3", [], on)), "ENOSYS");
  }
});
