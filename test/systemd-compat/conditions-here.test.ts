// Conditions and versions, on this system: as systemd-analyze judges them.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { compareVersions } from "../../systemd-compat/conditions/compare.js";
import { systemView } from "../../systemd-compat/conditions/view.js";
import { evaluateConditions } from "../../systemd-compat/conditions.js";
import { readSystemFacts } from "../../systemd-compat/system-facts.js";
import { noSystemd } from "../daemon/timers/calendar/oracles.js";
import { conditionsOf } from "./fixtures.js";

const noVersions =
  spawnSync("systemd-analyze", ["compare-versions", "1", "1"]).status === 0
    ? false
    : "there is no systemd-analyze";

test("versions are ordered as systemd orders them", { skip: noVersions }, () => {
  const versions = [
    "",
    "1",
    "1.0",
    "1.1",
    "1.10",
    "1~rc1",
    "1-2",
    "1^git",
    "6.1.0-18-amd64",
    "6.1.0-2",
    "a",
    "b",
    "01",
    "1a",
  ];
  for (const a of versions)
    for (const b of versions) {
      const { status } = spawnSync("systemd-analyze", ["compare-versions", "--", a, b], { encoding: "utf8" });
      // 11 and 12 are what it says the one or the other is newer with.
      const theirs = status === 0 ? 0 : status === 11 ? 1 : -1;
      assert.equal(Math.sign(compareVersions(a, b)), theirs, `${JSON.stringify(a)} and ${JSON.stringify(b)}`);
    }
});

const own = [
  "ConditionPathExists=/etc/passwd",
  "ConditionPathExists=/nothing",
  "ConditionPathExistsGlob=/etc/{passw?,foo}",
  "ConditionPathExistsGlob=/etc/foo*",
  "ConditionPathIsDirectory=/etc",
  "ConditionPathIsSymbolicLink=/etc/mtab",
  "ConditionPathIsMountPoint=/proc",
  "ConditionPathIsMountPoint=/etc",
  "ConditionPathIsMountPoint=/",
  "ConditionPathIsReadWrite=/tmp",
  "ConditionPathIsReadWrite=/sys",
  "ConditionPathIsReadWrite=/proc/sys",
  "ConditionPathIsReadWrite=/nothing",
  "ConditionPathIsEncrypted=/",
  "ConditionDirectoryNotEmpty=/etc",
  "ConditionFileNotEmpty=/etc/passwd",
  "ConditionFileIsExecutable=/bin/sh",
  "ConditionNeedsUpdate=/etc",
  "ConditionNeedsUpdate=/var",
  "ConditionFirstBoot=no",
  "ConditionArchitecture=x86-64",
  "ConditionArchitecture=native",
  "ConditionFirmware=uefi",
  "ConditionFirmware=device-tree",
  "ConditionVirtualization=yes",
  "ConditionVirtualization=container",
  "ConditionVirtualization=docker",
  "ConditionVirtualization=vm",
  "ConditionVirtualization=private-users",
  "ConditionHost=*",
  "ConditionHost=nothing",
  "ConditionKernelCommandLine=quiet",
  "ConditionKernelCommandLine=nothing",
  "ConditionKernelVersion=>=5",
  "ConditionKernelVersion=>= 5",
  "ConditionKernelVersion=<5",
  "ConditionKernelVersion=5.* 6.*",
  "ConditionSecurity=audit",
  "ConditionSecurity=apparmor",
  "ConditionSecurity=selinux",
  "ConditionSecurity=ima",
  "ConditionSecurity=tomoyo",
  "ConditionSecurity=smack",
  "ConditionSecurity=tpm2",
  "ConditionSecurity=uefi-secureboot",
  "ConditionCapability=CAP_SYS_ADMIN",
  "ConditionCapability=CAP_NET_ADMIN",
  "ConditionACPower=yes",
  "ConditionMemory=>1M",
  "ConditionMemory=>100000G",
  "ConditionCPUs=>0",
  "ConditionCPUs=>100000",
  "ConditionCPUFeature=sse",
  "ConditionCPUFeature=rdrand",
  "ConditionEnvironment=PATH",
  "ConditionEnvironment=NOTHING",
  "ConditionUser=root",
  "ConditionUser=@system",
  "ConditionUser=12345",
  "ConditionGroup=root",
  "ConditionControlGroupController=v2",
  "ConditionControlGroupController=memory",
  "ConditionControlGroupController=nothing",
  "ConditionOSRelease=ID=debian",
  "ConditionOSRelease=VERSION_ID>=11 ID=debian",
  "ConditionOSRelease=VERSION_ID>1000",
  "ConditionOSRelease=ID$=deb*",
  "ConditionCredential=nothing",
  "ConditionMemoryPressure=99%",
  "ConditionCPUPressure=99%/5min",
] as const;

const isRoot = process.getuid?.() === 0;
const noOwn =
  noSystemd === false && isRoot ? false : noSystemd || "needs root, whom units of the system run as";

test(`${own.length} conditions of this system are what systemd-analyze says`, { skip: noOwn }, async () => {
  const view = systemView({ facts: await readSystemFacts() });
  for (const line of own) {
    const { status } = spawnSync("systemd-analyze", ["condition", line], { encoding: "utf8" });
    assert.equal((await evaluateConditions(conditionsOf(line), view)).holds, status === 0, line);
  }
});
