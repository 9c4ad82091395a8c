// Conditions: how several go together, and each kind on a system that a test makes up.
import assert from "node:assert/strict";
import { test } from "node:test";
import { expandBraces } from "../../systemd-compat/conditions/glob.js";
import type { FileStatus, SystemView } from "../../systemd-compat/conditions/view.js";
import { conditionText, evaluateCondition, evaluateConditions } from "../../systemd-compat/conditions.js";
import { conditionsOf, facts } from "./fixtures.js";

/** A system that has these files: directories are what others are in. */
function viewOf(files: Readonly<Record<string, string>>, more: Partial<SystemView> = {}): SystemView {
  const names = Object.keys(files);
  const status = (path: string): FileStatus | undefined => {
    const contents = files[path];
    const isDirectory = path === "/" || names.some((name) => name.startsWith(`${path}/`));
    if (contents === undefined && !isDirectory) return undefined;
    return {
      type: isDirectory ? "directory" : "file",
      size: contents?.length ?? 0,
      mode: path.startsWith("/bin/") ? 0o755 : 0o644,
      modified: 0n,
    };
  };
  return {
    facts,
    environment: {},
    cpus: 4,
    memory: 8 * 2 ** 30,
    groups: ["root", "0"],
    credentialDirectories: ["/run/credentials/@system"],
    status: (path) => Promise.resolve(status(path)),
    list: (directory) => {
      const prefix = directory === "/" ? "/" : `${directory}/`;
      const inside = names
        .filter((name) => name.startsWith(prefix))
        .map((name) => name.slice(prefix.length).split("/", 1)[0] ?? "");
      return Promise.resolve(status(directory)?.type === "directory" ? [...new Set(inside)] : undefined);
    },
    text: (path) => Promise.resolve(files[path]),
    real: (path) => Promise.resolve(status(path) === undefined ? undefined : path),
    ...more,
  };
}

const mounts =
  "20 1 0:1 / / rw - ext4 /dev/sda rw\n21 20 0:2 / /sys ro - sysfs sysfs rw\n22 20 0:3 / /with\\040blank rw - tmpfs none ro\n";

const files = {
  "/etc/passwd": "root",
  "/etc/empty": "",
  "/etc/x.d/a.conf": "a",
  "/etc/hidden/.a": "a",
  "/bin/sh": "#",
  "/var/lib/clamav/main.cvd": "x",
  "/sys/kernel": "",
  "/with blank/x": "",
  "/usr/x": "",
  "/proc/self/mountinfo": mounts,
  "/proc/cmdline": 'quiet root=/dev/sda1 "a b=c d"\n',
  "/proc/self/status": "CapBnd:\t0000000000000401\n",
  "/proc/self/uid_map": "         0          0 4294967295\n",
  "/proc/self/loginuid": "0",
  "/proc/cpuinfo": "flags\t\t: fpu sse sse4_1 pclmulqdq\n",
  "/proc/pressure/memory":
    "some avg10=20.00 avg60=5.00 avg300=1.00 total=1\nfull avg10=10.00 avg60=2.00 avg300=0.50 total=1\n",
  "/sys/class/power_supply/BAT0/type": "Battery\n",
  "/sys/fs/cgroup/cgroup.controllers": "cpu io memory pids\n",
  "/run/credentials/@system/token": "x",
};
const system = viewOf(files, { environment: { LANG: "C", EMPTY: "" } });

/** What holds on that system; after `!` what does not. */
const rows: readonly string[] = [
  "ConditionPathExists=/etc/passwd",
  "ConditionPathExists=!/etc/shadow",
  "ConditionPathExistsGlob=/etc/pass*",
  "ConditionPathExistsGlob=/etc/x.d/*.conf",
  "ConditionPathExistsGlob=!/etc/x.d/*.foo",
  "ConditionPathExistsGlob=/var/lib/clamav/{main,daily}.{c[vl]d,inc}",
  "ConditionPathExistsGlob=!/etc/hidden/*",
  "ConditionPathIsDirectory=/etc/x.d",
  "ConditionPathIsDirectory=!/etc/passwd",
  "ConditionPathIsMountPoint=/sys",
  "ConditionPathIsMountPoint=/with blank",
  "ConditionPathIsMountPoint=!/etc",
  "ConditionPathIsReadWrite=/etc",
  "ConditionPathIsReadWrite=!/sys/kernel",
  "ConditionPathIsReadWrite=!/with blank/x",
  "ConditionPathIsReadWrite=!/nothing",
  "ConditionDirectoryNotEmpty=/etc/x.d",
  "ConditionDirectoryNotEmpty=!/etc/hidden",
  "ConditionDirectoryNotEmpty=!/nothing",
  "ConditionFileNotEmpty=/etc/passwd",
  "ConditionFileNotEmpty=!/etc/empty",
  "ConditionFileNotEmpty=!/etc/x.d",
  "ConditionFileIsExecutable=/bin/sh",
  "ConditionFileIsExecutable=!/etc/passwd",
  "ConditionNeedsUpdate=/etc",
  "ConditionNeedsUpdate=!/sys",
  "ConditionVirtualization=no",
  "ConditionVirtualization=!container",
  "ConditionVirtualization=!private-users",
  "ConditionHost=host.example.org",
  "ConditionHost=HOST.*",
  "ConditionHost=0123456789abcdef0123456789abcdef",
  "ConditionHost=!other",
  "ConditionKernelCommandLine=quiet",
  "ConditionKernelCommandLine=root",
  "ConditionKernelCommandLine=root=/dev/sda1",
  "ConditionKernelCommandLine=a b=c d",
  "ConditionKernelCommandLine=!roo",
  "ConditionKernelCommandLine=!root=/dev",
  "ConditionKernelVersion=>=5.10 <7",
  "ConditionKernelVersion=6.1.*",
  "ConditionKernelVersion=!< 6",
  "ConditionArchitecture=x86-64",
  "ConditionArchitecture=!arm64",
  "ConditionFirmware=!uefi",
  "ConditionCredential=token",
  "ConditionCredential=!../token",
  "ConditionSecurity=audit",
  "ConditionSecurity=!selinux",
  "ConditionSecurity=!foo",
  "ConditionCapability=CAP_CHOWN",
  "ConditionCapability=CAP_NET_BIND_SERVICE",
  "ConditionCapability=!CAP_KILL",
  "ConditionACPower=true",
  "ConditionMemory=>1G",
  "ConditionMemory=8G",
  "ConditionMemory=!>8G",
  "ConditionCPUs=>=4",
  "ConditionCPUs=!5",
  "ConditionCPUFeature=sse4_1",
  "ConditionCPUFeature=pclmul",
  "ConditionCPUFeature=!avx",
  "ConditionEnvironment=LANG",
  "ConditionEnvironment=LANG=C",
  "ConditionEnvironment=EMPTY=",
  "ConditionEnvironment=!LC_ALL",
  "ConditionUser=root",
  "ConditionUser=0",
  "ConditionUser=@system",
  "ConditionUser=!1000",
  "ConditionGroup=root",
  "ConditionGroup=!users",
  "ConditionControlGroupController=v2",
  "ConditionControlGroupController=memory pids",
  "ConditionControlGroupController=!cpuset",
  "ConditionOSRelease=ID=debian VERSION_ID>=11",
  "ConditionOSRelease=ID$=deb*",
  "ConditionOSRelease=ID!=ubuntu",
  "ConditionOSRelease=!VERSION_ID>12",
  "ConditionFirstBoot=no",
  "ConditionMemoryPressure=1%",
  "ConditionMemoryPressure=!5%/10s",
  "ConditionMemoryPressure=system.slice:2%/1min",
  "ConditionIOPressure=1%",
  "AssertPathExists=/etc/passwd",
];

for (const line of rows)
  test(`${line} holds`, async () => {
    const [condition] = conditionsOf(line);
    assert.ok(condition !== undefined);
    assert.equal(conditionText(condition), line);
    const { holds, problem } = await evaluateCondition(condition, system);
    assert.deepEqual({ holds, problem }, { holds: true, problem: undefined });
    const negated = { ...condition, negate: !condition.negate };
    assert.equal((await evaluateCondition(negated, system)).holds, false);
  });

for (const line of [
  "ConditionACPower=maybe",
  "ConditionCPUs=many",
  "ConditionOSRelease=debian",
  "ConditionCapability=CAP_FOO",
  "ConditionKernelVersion=>=",
])
  test(`${line} holds neither way, since it makes no sense`, async () => {
    const [condition] = conditionsOf(line);
    assert.ok(condition !== undefined);
    for (const negate of [false, true]) {
      const { holds, problem } = await evaluateCondition({ ...condition, negate }, system);
      assert.equal(holds, false);
      assert.match(problem ?? "", /^expected /);
    }
  });

test("a container is one by what it says of itself, and has the first process's command line", async () => {
  const container = viewOf({ "/run/systemd/container": "lxc\n", "/proc/1/cmdline": "/sbin/init\0foo=1\0" });
  for (const line of [
    "ConditionVirtualization=container",
    "ConditionVirtualization=lxc",
    "ConditionVirtualization=yes",
    "ConditionVirtualization=!vm",
    "ConditionKernelCommandLine=foo",
  ])
    for (const condition of conditionsOf(line))
      assert.ok((await evaluateCondition(condition, container)).holds, line);
  const docker = viewOf({ "/.dockerenv": "" });
  for (const condition of conditionsOf("ConditionVirtualization=docker"))
    assert.ok((await evaluateCondition(condition, docker)).holds);
  const machine = viewOf({ "/sys/class/dmi/id/sys_vendor": "QEMU\n" });
  for (const condition of conditionsOf("ConditionVirtualization=qemu", "ConditionVirtualization=vm"))
    assert.ok((await evaluateCondition(condition, machine)).holds);
});

const yes = "ConditionPathExists=/etc/passwd";
const no = "ConditionPathExists=/nothing";
const maybeYes = "ConditionPathExists=|/etc/passwd";
const maybeNo = "ConditionPathExists=|/nothing";

for (const [lines, holds] of [
  [[], true],
  [[yes, yes], true],
  [[yes, no], false],
  [[maybeYes, maybeNo], true],
  [[maybeNo, maybeYes], true],
  [[maybeNo, maybeNo], false],
  [[yes, maybeNo], false],
  [[no, maybeYes], false],
  [[yes, maybeNo, maybeYes], true],
  [["ConditionPathExists=|!/nothing"], true],
] as const)
  test(`${lines.join("; ") || "no condition"}: ${holds}`, async () => {
    assert.equal((await evaluateConditions(conditionsOf(...lines), system)).holds, holds);
  });

test("what failed is told", async () => {
  const { results } = await evaluateConditions(conditionsOf(yes, no, yes), system);
  assert.deepEqual(
    results.map(({ condition, holds }) => [conditionText(condition), holds]),
    [
      [yes, true],
      [no, false],
    ],
  );
});

test("braces stand for alternatives", () => {
  assert.deepEqual([...expandBraces("a{b,c{d,e}}f")].sort(), ["abf", "acdf", "acef"]);
  assert.deepEqual(expandBraces("a"), ["a"]);
});
