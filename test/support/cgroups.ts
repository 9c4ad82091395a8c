// A cgroup of its own for a test: the system that boots in it finds it, and takes it, for one that nobody else uses.

import { accessSync, constants, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cgroupMounts, cgroupPath, directoriesOf } from "../../src/daemon/cgroups/place.js";
import { isPopulated, killCgroup, removeCgroup } from "../../src/daemon/cgroups/tree.js";
import type { Scope } from "./harness.js";
import { waitFor } from "./wait.js";

/** Where cgroups can be made here; or why they cannot, to be given to `skip`. */
export function findCgroups(): { readonly directory: string } | string {
  const mounts = cgroupMounts(readFileSync("/proc/self/mountinfo", "utf8"));
  const path = cgroupPath(readFileSync("/proc/self/cgroup", "utf8"));
  const [directory] = path === undefined ? [] : directoriesOf(path, mounts);
  if (directory === undefined) return "needs a cgroup2";
  try {
    accessSync(join(directory, "cgroup.procs"), constants.W_OK);
  } catch {
    return `needs to write to ${directory}`;
  }
  return { directory };
}

/** Makes a cgroup below `parent`, which goes with `scope` and all that lives in it. */
export function makeTestCgroup(scope: Scope, parent: string): string {
  const directory = mkdtempSync(join(parent, "shepherd-test-"));
  scope.after(async () => {
    if (!(await killCgroup(directory))) throw new Error(`end ${directory}: this kernel has no cgroup.kill`);
    await waitFor(`${directory} is empty`, async () => !(await isPopulated(directory)));
    await waitFor(`${directory} is gone`, () => removeCgroup(directory));
  });
  return directory;
}

/** For `through` of a system: runs it in a cgroup, from its first process on. */
export function inside(cgroup: string): readonly string[] {
  return ["sh", "-c", 'echo 0 >"$0/cgroup.procs" && exec "$@"', cgroup];
}
