// Capabilities by name, as capabilities(7) lists them.

import { parseBounded } from "./number.js";

/** By number, in lower case without `cap_`. */
const names = [
  "chown",
  "dac_override",
  "dac_read_search",
  "fowner",
  "fsetid",
  "kill",
  "setgid",
  "setuid",
  "setpcap",
  "linux_immutable",
  "net_bind_service",
  "net_broadcast",
  "net_admin",
  "net_raw",
  "ipc_lock",
  "ipc_owner",
  "sys_module",
  "sys_rawio",
  "sys_chroot",
  "sys_ptrace",
  "sys_pacct",
  "sys_admin",
  "sys_boot",
  "sys_nice",
  "sys_resource",
  "sys_time",
  "sys_tty_config",
  "mknod",
  "lease",
  "audit_write",
  "audit_control",
  "setfcap",
  "mac_override",
  "mac_admin",
  "syslog",
  "wake_alarm",
  "block_suspend",
  "audit_read",
  "perfmon",
  "bpf",
  "checkpoint_restore",
] as const;

/** Such as `CAP_NET_ADMIN`. */
export type Capability = `CAP_${Uppercase<(typeof names)[number]>}`;

export const capabilities: readonly Capability[] = names.map(
  (name) => `CAP_${name.toUpperCase()}` as Capability,
);

/** Of its name in any case of letters, or of its number. */
export function parseCapability(text: string): Capability | undefined {
  const number = parseBounded(text, 0, capabilities.length - 1);
  if (number !== undefined) return capabilities[number];
  return capabilities.find((name) => name === text.toUpperCase());
}

/** The kernel's number of a capability. */
export function capabilityNumber(name: Capability): number {
  return capabilities.indexOf(name);
}
