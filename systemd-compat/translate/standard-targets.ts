// The targets that units of packages refer to: what they consist of where no file says it, as where systemd is not
// installed, and which of them mean nothing but that the system is up.

import type { UnitSettings } from "../directives.js";

type TargetSettings = Pick<
  UnitSettings,
  "Description" | "Requires" | "Wants" | "After" | "DefaultDependencies"
>;

/** Milestones of a system's start: with our services they are reached when what they consist of is started. */
const milestones: Readonly<Record<string, TargetSettings>> = {
  "sysinit.target": {
    Description: "System Initialization",
    Wants: ["local-fs.target", "swap.target"],
    After: ["local-fs.target", "swap.target"],
  },
  "basic.target": {
    Description: "Basic System",
    Requires: ["sysinit.target"],
    Wants: ["sockets.target", "timers.target", "paths.target", "slices.target"],
    After: ["sysinit.target", "sockets.target", "paths.target", "slices.target"],
  },
  "sockets.target": { Description: "Socket Units" },
  "timers.target": { Description: "Timer Units" },
  "paths.target": { Description: "Path Units" },
  "slices.target": { Description: "Slice Units" },
  "swap.target": { Description: "Swaps" },
  "local-fs-pre.target": { Description: "Before Local File Systems" },
  "local-fs.target": {
    Description: "Local File Systems",
    After: ["local-fs-pre.target"],
    DefaultDependencies: false,
  },
  "remote-fs-pre.target": { Description: "Before Remote File Systems" },
  "remote-fs.target": { Description: "Remote File Systems", After: ["remote-fs-pre.target"] },
  "network-pre.target": { Description: "Before Network" },
  "network.target": { Description: "Network", After: ["network-pre.target"] },
  "network-online.target": { Description: "Network is Online", After: ["network.target"] },
  "nss-lookup.target": { Description: "Lookup of Hosts" },
  "nss-user-lookup.target": { Description: "Lookup of Users and Groups" },
  "time-set.target": { Description: "System Time Set" },
  "time-sync.target": { Description: "System Time Synchronized", After: ["time-set.target"] },
  "rpcbind.target": { Description: "RPC Port Mapper" },
  "getty.target": { Description: "Login Prompts" },
  "cryptsetup-pre.target": { Description: "Before Local Encrypted Volumes" },
  "cryptsetup.target": { Description: "Local Encrypted Volumes" },
  "veritysetup-pre.target": { Description: "Before Local Verity Volumes" },
  "veritysetup.target": { Description: "Local Verity Volumes" },
  "integritysetup-pre.target": { Description: "Before Local Integrity Volumes" },
  "integritysetup.target": { Description: "Local Integrity Volumes" },
  "remote-cryptsetup.target": { Description: "Remote Encrypted Volumes" },
  "remote-veritysetup.target": { Description: "Remote Verity Volumes" },
  "first-boot-complete.target": { Description: "First Boot Complete" },
};

/** What a system is started for. */
const goals: Readonly<Record<string, TargetSettings>> = {
  "multi-user.target": {
    Description: "Multi-User System",
    Requires: ["basic.target"],
    After: ["basic.target"],
  },
  "graphical.target": {
    Description: "Graphical Interface",
    Requires: ["multi-user.target"],
    Wants: ["display-manager.service"],
    After: ["multi-user.target", "display-manager.service"],
  },
  "default.target": {
    Description: "Default Target",
    Requires: ["multi-user.target"],
    After: ["multi-user.target"],
  },
};

/** What ends, suspends or rescues a machine, or is done at such a time. */
const ends = new Set(
  ["shutdown", "umount", "final", "halt", "poweroff", "reboot", "soft-reboot", "kexec", "exit", "sleep"]
    .concat(["suspend", "hibernate", "hybrid-sleep", "suspend-then-hibernate", "emergency", "rescue"])
    .concat(["ctrl-alt-del", "sigpwr", "system-update", "system-update-pre", "initrd", "initrd-fs"])
    .concat(["initrd-root-fs", "initrd-root-device", "initrd-switch-root", "initrd-usr-fs"])
    .map((name) => `${name}.target`),
);

/** Whether it is a milestone that counts as reached where nobody asks for it by name. */
export function isMilestone(unit: string): boolean {
  return Object.hasOwn(milestones, unit);
}

/** Whether it is about the machine's end, suspension or rescue, which no unit brings about here. */
export function isMachinesEnd(unit: string): boolean {
  return ends.has(unit);
}

/** What the target consists of where it has no file; undefined for one that is none of the standard ones. */
export function standardTarget(unit: string): UnitSettings | undefined {
  if (isMilestone(unit)) return milestones[unit];
  return Object.hasOwn(goals, unit) ? goals[unit] : undefined;
}
