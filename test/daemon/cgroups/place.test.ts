// Where the keeper's cgroup is, from what the kernel tells of mounts and of the process.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { cgroupMounts, cgroupPath, directoriesOf } from "../../../src/daemon/cgroups/place.js";

const unified = "30 23 0:26 / /sys/fs/cgroup rw,nosuid shared:9 - cgroup2 cgroup2 rw,nsdelegate";
const hybrid = [
  "31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755",
  "35 31 0:32 / /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory",
  "41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw",
  "",
].join("\n");

describe("the mounts of cgroup2", () => {
  const mounts: Readonly<Record<string, readonly [mountinfo: string, expected: unknown]>> = {
    "a unified hierarchy": [unified, [{ root: "/", point: "/sys/fs/cgroup" }]],
    "a hybrid one": [hybrid, [{ root: "/", point: "/sys/fs/cgroup/unified" }]],
    "version 1 alone": ["35 31 0:32 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory", []],
    "names with blanks and backslashes": [
      "30 23 0:26 /a\\134b /mnt/two\\040words rw - cgroup2 none rw",
      [{ root: "/a\\b", point: "/mnt/two words" }],
    ],
    "lines that are none": ["30 23\n - cgroup2 x\n\n", []],
  };
  for (const [what, [mountinfo, expected]] of Object.entries(mounts))
    it(what, () => assert.deepEqual(cgroupMounts(mountinfo), expected));
});

describe("the path of a process's cgroup", () => {
  it("is that of the unified hierarchy", () => {
    assert.equal(
      cgroupPath("4:memory:/x\n0::/user.slice/shepherd.service\n"),
      "/user.slice/shepherd.service",
    );
    assert.equal(cgroupPath("0::/\n"), "/");
  });
  it("is not there without cgroup2", () =>
    assert.equal(cgroupPath("4:memory:/x\n1:name=systemd:/\n"), undefined));
});

describe("the directory of a cgroup", () => {
  const whole = { root: "/", point: "/sys/fs/cgroup" };
  const part = { root: "/a", point: "/mnt" };
  const cases: Readonly<Record<string, readonly [path: string, mounts: readonly (typeof whole)[], unknown]>> =
    {
      "of a machine": ["/", [whole], ["/sys/fs/cgroup"]],
      "of a unit": ["/system.slice/x.service", [whole], ["/sys/fs/cgroup/system.slice/x.service"]],
      "where only a part is mounted": ["/a/b", [part], ["/mnt/b"]],
      "that is just what is mounted": ["/a", [part], ["/mnt"]],
      "beside what is mounted": ["/ab", [part], []],
      "in each of several mounts": ["/a", [whole, part], ["/sys/fs/cgroup/a", "/mnt"]],
      "outside our cgroup namespace": ["/../other", [whole], []],
      "of a mount from outside our namespace": ["/", [{ root: "/..", point: "/sys/fs/cgroup" }], []],
      "that was removed": ["/a (deleted)", [whole], []],
    };
  for (const [what, [path, mounts, expected]] of Object.entries(cases))
    it(what, () => assert.deepEqual(directoriesOf(path, mounts), expected));
});
