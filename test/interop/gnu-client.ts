// GNU herd for a daemon of ours: it runs in its chroot, with the daemon's socket directory mounted there.

import type { GnuShepherd } from "../support/gnu-shepherd.js";
import type { System } from "../support/harness.js";
import { type Outcome, run } from "../support/run.js";

/** Where the chroot has the socket's directory. The mount is seen by this one program and goes with it. */
const mountPoint = "/mnt";

const enter = `mount -t proc proc "$0/proc" && mount --bind "$1" "$0${mountPoint}" && shift && LC_ALL=C.UTF-8 chroot "$0" "$@"; exit $?`;

/** Runs GNU herd against a system of ours. */
export function gnuHerd(gnu: GnuShepherd, system: System, ...args: readonly string[]): Promise<Outcome> {
  const herd = ["herd", "-s", `${mountPoint}/socket`, ...args];
  return run("unshare", ["--mount", "sh", "-c", enter, gnu.root, system.path("run"), ...herd]);
}
