// By what a client finds out whether a process number means the same to it and to the daemon: the machine's boot and the PID
// namespace.

import { readFileSync, readlinkSync } from "node:fs";

/** Undefined where there is no /proc that tells. */
export function pidNamespace(): string | undefined {
  try {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    return `${boot} ${readlinkSync("/proc/self/ns/pid")}`;
  } catch {
    return undefined;
  }
}
