// What directives ask of a unit's view of the file system.

import type { ServiceSettings } from "../../../systemd-compat/directives.js";
import type { BindPath, SandboxPath } from "../../../systemd-compat/values/files.js";
import type { MountAction } from "../keeper/types.js";
import type { Demand } from "./demands.js";
import { isWithin } from "./mount-order.js";
import type { ConfinementFacts } from "./types.js";

type Flag = "read-only" | "read-write" | "no-exec" | "exec";
/** Kinds of actions that need no more than a path. */
type Plain = Flag | "inaccessible";

function optionally(kind: Plain, paths: readonly string[]): MountAction[] {
  return paths.map((path) => ({ kind, path, optional: true }));
}

const homes = ["/home", "/root", "/run/user"];
const programs = ["/usr", "/boot", "/efi", "/bin", "/sbin", "/lib", "/lib64"];
const interfaces = ["/proc", "/sys", "/dev"];
const tunables = [
  ...["/proc/acpi", "/proc/apm", "/proc/asound", "/proc/bus", "/proc/fs", "/proc/irq", "/proc/latency_stats"],
  ...["/proc/mtrr", "/proc/scsi", "/proc/sys", "/proc/sysrq-trigger", "/proc/timer_stats", "/sys"],
  ...["/sys/fs/bpf", "/sys/kernel/debug", "/sys/kernel/tracing"],
];
/** What is in /sys and has its own directives. */
const notTunables = ["/sys/fs/cgroup", "/sys/fs/selinux"];

/** Little fits into a file system that only hides something. */
const hiding = "mode=0755,nosuid,nodev,strictatime,size=4m,nr_inodes=4k";

function* systemDemands(service: ServiceSettings): Iterable<Demand> {
  const dynamic = service.DynamicUser === true;
  const directive = dynamic ? "DynamicUser" : "ProtectSystem";
  const protect = dynamic ? "strict" : service.ProtectSystem;
  if (protect === "strict") {
    const kept = optionally("read-write", [...interfaces, ...homes]);
    yield { directive, mounts: [{ kind: "read-only", path: "/" }, ...kept] };
  } else if (protect === "yes" || protect === "full") {
    yield {
      directive,
      mounts: optionally("read-only", protect === "yes" ? programs : [...programs, "/etc"]),
    };
  }
}

function* homeDemands(service: ServiceSettings): Iterable<Demand> {
  const own = service.ProtectHome;
  const implied = (own === undefined || own === "no") && service.DynamicUser === true;
  const directive = implied ? "DynamicUser" : "ProtectHome";
  const protect = implied ? "read-only" : own;
  if (protect === "yes") yield { directive, mounts: optionally("inaccessible", homes) };
  if (protect === "read-only") yield { directive, mounts: optionally("read-only", homes) };
  if (protect === "tmpfs") {
    const options = `${hiding},ro`;
    yield { directive, mounts: homes.map((path) => ({ kind: "tmpfs", path, options, optional: true })) };
  }
}

function* kernelDemands(service: ServiceSettings): Iterable<Demand> {
  if (service.ProtectKernelTunables === true) {
    const directive = "ProtectKernelTunables";
    yield {
      directive,
      mounts: [...optionally("read-only", tunables), ...optionally("read-write", notTunables)],
    };
    yield { directive, mounts: optionally("inaccessible", ["/proc/kallsyms", "/proc/kcore"]) };
  }
  if (service.ProtectKernelModules === true)
    yield {
      directive: "ProtectKernelModules",
      mounts: optionally("inaccessible", ["/lib/modules", "/usr/lib/modules"]),
    };
  if (service.ProtectKernelLogs === true)
    yield {
      directive: "ProtectKernelLogs",
      mounts: optionally("inaccessible", ["/proc/kmsg", "/dev/kmsg"]),
    };
  if (service.ProtectControlGroups === true)
    yield { directive: "ProtectControlGroups", mounts: optionally("read-only", ["/sys/fs/cgroup"]) };
  if (service.PrivateDevices === true) yield { directive: "PrivateDevices", mounts: [{ kind: "devices" }] };
}

function* processDemands({ ProtectProc, ProcSubset }: ServiceSettings): Iterable<Demand> {
  const hides = ProtectProc !== undefined && ProtectProc !== "default";
  const path = "/proc";
  const options = hides ? `hidepid=${ProtectProc}` : "";
  if (ProcSubset === "pid")
    yield {
      directive: "ProcSubset",
      needs: ["subset of /proc"],
      mounts: [{ kind: "proc", path, options: `${options}${hides ? "," : ""}subset=pid` }],
    };
  if (hides) yield { directive: "ProtectProc", mounts: [{ kind: "proc", path, options }] };
}

/** Where a path of the host's is below the unit's root, undefined where it is not. */
function inRoot(path: string, root: string | undefined): string | undefined {
  if (root === undefined || root === "/") return path;
  if (!isWithin(path, root)) return undefined;
  return path === root ? "/" : path.slice(root.length);
}

function* pathDemands(service: ServiceSettings): Iterable<Demand> {
  const lists = [
    ["ReadWritePaths", "read-write", service.ReadWritePaths],
    ["ReadOnlyPaths", "read-only", service.ReadOnlyPaths],
    ["InaccessiblePaths", "inaccessible", service.InaccessiblePaths],
    ["ExecPaths", "exec", service.ExecPaths],
    ["NoExecPaths", "no-exec", service.NoExecPaths],
  ] as const satisfies readonly (readonly [string, Plain, readonly SandboxPath[] | undefined])[];
  for (const [directive, kind, paths = []] of lists) {
    const mounts = paths.flatMap(({ path, optional, ...place }): MountAction[] => {
      const seen = place.inRoot ? path : inRoot(path, service.RootDirectory);
      return seen === undefined ? [] : [{ kind, path: seen, optional }];
    });
    if (mounts.length > 0) yield { directive, mounts };
  }
}

/** What systemd's journal always has there, and a container without a system log has not: a program can do without. */
const systemLog = "/dev/log";

function bindActions(
  { source, destination, optional: mayBeAbsent, recursive }: BindPath,
  readOnly: boolean,
): MountAction[] {
  const optional = mayBeAbsent || source === systemLog;
  const bind: MountAction = { kind: "bind", source, path: destination, recursive, optional };
  return readOnly ? [bind, { kind: "read-only", path: destination, optional }] : [bind];
}

function* arrangedDemands(service: ServiceSettings, facts: ConfinementFacts): Iterable<Demand> {
  const { BindPaths = [], BindReadOnlyPaths = [], TemporaryFileSystem = [] } = service;
  const changed = service.RootDirectory !== undefined && service.RootDirectory !== "/";
  for (const [directive, binds] of [
    ["BindPaths", BindPaths],
    ["BindReadOnlyPaths", BindReadOnlyPaths],
  ] as const)
    for (const bind of binds)
      yield {
        directive,
        mounts: bindActions(bind, directive === "BindReadOnlyPaths"),
        vital: changed || bind.source !== bind.destination,
      };
  for (const { path, options } of TemporaryFileSystem)
    yield {
      directive: "TemporaryFileSystem",
      mounts: [
        { kind: "tmpfs", path, options: ["mode=0755,nodev,strictatime", options].filter(Boolean).join(",") },
      ],
      vital: true,
    };
  if (service.PrivateTmp === true || service.DynamicUser === true) {
    if (facts.privateTmp === undefined)
      throw new TypeError("a unit with PrivateTmp= needs a /tmp of its own");
    const { tmp, varTmp } = facts.privateTmp;
    yield {
      directive: service.PrivateTmp === true ? "PrivateTmp" : "DynamicUser",
      mounts: [
        { kind: "bind", source: tmp, path: "/tmp" },
        { kind: "bind", source: varTmp, path: "/var/tmp" },
      ],
    };
  }
}

/** What a new root needs of the kernel's file systems. */
function* rootDemands(service: ServiceSettings): Iterable<Demand> {
  const root = service.RootDirectory;
  if (root === undefined || root === "/") return;
  const directive = "RootDirectory";
  yield { directive, needs: ["root directory"], spec: { rootDirectory: root }, vital: true };
  if (service.MountAPIVFS === false) return;
  const bound = ["/sys", ...(service.PrivateDevices === true ? [] : ["/dev"])];
  yield {
    directive: service.MountAPIVFS === true ? "MountAPIVFS" : directive,
    mounts: [
      ...bound.map((path): MountAction => ({ kind: "bind", source: path, path, recursive: true })),
      { kind: "proc", path: "/proc" },
      { kind: "tmpfs", path: "/run", options: "mode=0755,nosuid,nodev" },
    ],
  };
}

/** Keeps the unit's own directories where they are, and writable, whatever `others` do. */
function* ownDemands(
  service: ServiceSettings,
  facts: ConfinementFacts,
  others: readonly MountAction[],
): Iterable<Demand> {
  const changed = service.RootDirectory !== undefined && service.RootDirectory !== "/";
  const covers = others.filter(({ kind }) => kind === "tmpfs");
  const isCovered = (path: string): boolean =>
    changed || covers.some((action) => action.kind === "tmpfs" && isWithin(path, action.path));
  const directive = changed
    ? "RootDirectory"
    : service.DynamicUser === true
      ? "DynamicUser"
      : "ProtectSystem";
  const { directories = [], readable = [] } = facts;
  const hidden = new Set<string>();
  for (const path of directories) {
    const [, above] = /^(.*\/private)\//.exec(path) ?? [];
    const shared = service.DynamicUser === true ? above : undefined;
    if (shared !== undefined && !hidden.has(shared)) {
      // Only root gets through the real one, and what is in it is of other units too.
      hidden.add(shared);
      yield { directive, mounts: [{ kind: "tmpfs", path: shared, options: `${hiding},ro` }] };
    }
    if (shared !== undefined || isCovered(path))
      yield { directive, mounts: [{ kind: "bind", source: path, path, recursive: true }] };
    else if (others.some(({ kind }) => kind === "read-only"))
      yield { directive, mounts: optionally("read-write", [path]) };
  }
  for (const path of readable)
    if (isCovered(path))
      yield {
        directive,
        mounts: [
          { kind: "bind", source: path, path, recursive: true, optional: true },
          { kind: "read-only", path, optional: true },
        ],
      };
}

/** All demands on mounts, in no order of paths. */
export function mountDemands(service: ServiceSettings, facts: ConfinementFacts): Demand[] {
  const demands = [
    ...systemDemands(service),
    ...homeDemands(service),
    ...kernelDemands(service),
    ...processDemands(service),
    ...pathDemands(service),
    ...arrangedDemands(service, facts),
    ...rootDemands(service),
  ];
  const others = demands.flatMap(({ mounts = [] }) => mounts);
  return [...demands, ...ownDemands(service, facts, others)];
}
