// What directives ask of processes themselves: namespaces, capabilities, and what they may ask of the kernel.

import type { ServiceSettings } from "../../../systemd-compat/directives.js";
import { type Capability, capabilityNumber } from "../../../systemd-compat/parser/capability.js";
import { addressFamilyNumbers } from "../../../systemd-compat/values/sandbox.js";
import type { Demand } from "./demands.js";
import {
  forbidden,
  hostName,
  type NamedRules,
  namespacesBut,
  personalitiesBut,
  realtime,
  setIdFiles,
  socketFamilies,
  writableExecutable,
} from "./filters/restrictions.js";
import type { ConfinementFacts } from "./types.js";

export function maskOf(capabilities: readonly Capability[]): bigint {
  return capabilities.reduce((mask, one) => mask | (1n << BigInt(capabilityNumber(one))), 0n);
}

export function* namespaceDemands(
  service: ServiceSettings,
  { joins = {} }: ConfinementFacts,
): Iterable<Demand> {
  const network = service.PrivateNetwork === true || service.NetworkNamespacePath !== undefined;
  const networkPath = (network ? joins.network : undefined) ?? service.NetworkNamespacePath;
  if (networkPath !== undefined)
    yield {
      directive: service.NetworkNamespacePath === undefined ? "PrivateNetwork" : "NetworkNamespacePath",
      needs: ["network namespace"],
      spec: { networkNamespacePath: networkPath },
      vital: service.NetworkNamespacePath !== undefined,
    };
  else if (network) yield { directive: "PrivateNetwork", namespaces: ["network"] };

  const ipc = service.PrivateIPC === true || service.IPCNamespacePath !== undefined;
  const ipcPath = (ipc ? joins.ipc : undefined) ?? service.IPCNamespacePath;
  const ipcDirective = service.IPCNamespacePath === undefined ? "PrivateIPC" : "IPCNamespacePath";
  if (ipcPath !== undefined)
    yield {
      directive: ipcDirective,
      needs: ["IPC namespace"],
      spec: { ipcNamespacePath: ipcPath },
      vital: service.IPCNamespacePath !== undefined,
    };
  else if (ipc) yield { directive: ipcDirective, namespaces: ["ipc"] };
  if (ipc)
    yield { directive: ipcDirective, mounts: [{ kind: "mqueue", path: "/dev/mqueue", optional: true }] };

  if (service.PrivateUsers === true) yield { directive: "PrivateUsers", namespaces: ["user"] };
  if (service.ProtectHostname === true) yield { directive: "ProtectHostname", namespaces: ["uts"] };
  const { MountFlags } = service;
  if (service.PrivateMounts === true) yield { directive: "PrivateMounts", mounts: [] };
  // Of mounts that are shared with everybody there is no need to have one's own.
  if (MountFlags === "slave" || MountFlags === "private")
    yield { directive: "MountFlags", mounts: [], spec: { mountPropagation: MountFlags } };
}

export function* capabilityDemands(service: ServiceSettings): Iterable<Demand> {
  const drops: readonly [string, boolean | undefined, readonly Capability[]][] = [
    ["PrivateDevices", service.PrivateDevices, ["CAP_MKNOD", "CAP_SYS_RAWIO"]],
    ["ProtectKernelModules", service.ProtectKernelModules, ["CAP_SYS_MODULE"]],
    ["ProtectKernelLogs", service.ProtectKernelLogs, ["CAP_SYSLOG"]],
    ["ProtectClock", service.ProtectClock, ["CAP_SYS_TIME", "CAP_WAKE_ALARM"]],
  ];
  for (const [directive, on, capabilities] of drops)
    if (on === true) yield { directive, drops: maskOf(capabilities) };
  if (service.CapabilityBoundingSet !== undefined)
    yield { directive: "CapabilityBoundingSet", drops: everything & ~maskOf(service.CapabilityBoundingSet) };
}

/** Capabilities that there are or will be. */
export const everything = (1n << 63n) - 1n;

const executionDomains: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  x64: { "x86-64": 0, x86: 8 },
  arm64: { arm64: 0, arm: 8 },
};

/** personality(2)'s number; undefined where the machine has none for it. */
export function executionDomain(machine: string, { Personality }: ServiceSettings): number | undefined {
  return Personality === undefined ? undefined : executionDomains[machine]?.[Personality];
}

/** @param machine as `process.arch` has it */
export function* callDemands(service: ServiceSettings, machine: string): Iterable<Demand> {
  const forbids: readonly [string, boolean | undefined, NamedRules][] = [
    ["PrivateDevices", service.PrivateDevices, forbidden("@raw-io")],
    ["ProtectKernelTunables", service.ProtectKernelTunables, forbidden("_sysctl")],
    ["ProtectKernelModules", service.ProtectKernelModules, forbidden("@module")],
    ["ProtectKernelLogs", service.ProtectKernelLogs, forbidden("syslog")],
    ["ProtectClock", service.ProtectClock, forbidden("@clock")],
    ["ProtectHostname", service.ProtectHostname, hostName],
    ["RestrictRealtime", service.RestrictRealtime, realtime],
    ["MemoryDenyWriteExecute", service.MemoryDenyWriteExecute, writableExecutable],
    [
      service.RestrictSUIDSGID === true ? "RestrictSUIDSGID" : "DynamicUser",
      service.RestrictSUIDSGID === true || service.DynamicUser === true,
      setIdFiles,
    ],
    ["LockPersonality", service.LockPersonality, personalitiesBut(executionDomain(machine, service) ?? 0)],
  ];
  for (const [directive, on, rules] of forbids) if (on === true) yield { directive, forbids: rules };
  if (service.RestrictNamespaces !== undefined)
    yield { directive: "RestrictNamespaces", forbids: namespacesBut(service.RestrictNamespaces) };
  if (service.RestrictAddressFamilies !== undefined) {
    const { mode, families } = service.RestrictAddressFamilies;
    const numbers = families.flatMap((family) => addressFamilyNumbers[family] ?? []);
    yield { directive: "RestrictAddressFamilies", forbids: socketFamilies(numbers, mode) };
  }
}
