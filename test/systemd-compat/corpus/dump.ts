// Our units in the words of systemd's manager, so that the two can be compared line by line.

import { conditionText } from "../../../systemd-compat/conditions.js";
import { capabilities } from "../../../systemd-compat/parser/capability.js";
import type { Command } from "../../../systemd-compat/parser/command-line.js";
import { signalName } from "../../../systemd-compat/parser/signal.js";
import type { SocketAddress } from "../../../systemd-compat/parser/socket-address.js";
import type { Unit } from "../../../systemd-compat/unit.js";
import type { SandboxPath } from "../../../systemd-compat/values/files.js";
import type { Listener } from "../../../systemd-compat/values/sockets.js";

/** Settings that show by themselves what they are. */
type Settings = Readonly<Record<string, unknown>>;

/** Labels under which there is nothing where nothing was assigned: both sides must be empty then. */
export const lists: readonly string[] = (
  "ExecCondition ExecStartPre ExecStart ExecStartPost ExecReload ExecStop ExecStopPost Environment EnvironmentFile " +
  "PassEnvironment UnsetEnvironment Documentation RuntimeDirectory StateDirectory CacheDirectory LogsDirectory " +
  "ConfigurationDirectory ReadWritePaths ReadOnlyPaths InaccessiblePaths ExecPaths NoExecPaths BindPaths " +
  "BindReadOnlyPaths User Group SupplementaryGroups PIDFile BusName CapabilityBoundingSet AmbientCapabilities " +
  "RestrictNamespaces SystemCallArchitectures Conditions Listen Watch Elapse Symlinks SocketUser LimitNPROC LimitCORE " +
  "LimitSTACK LimitFSIZE TTYPath PAMName"
).split(" ");

/** Those whose lines have no order. */
export const unordered = new Set([
  ...["Environment", "Conditions", "Elapse", "DeviceAllow", "Listen"],
  ...["RuntimeDirectory", "StateDirectory", "CacheDirectory", "LogsDirectory", "ConfigurationDirectory"],
]);

/** Texts that stand for a number of seconds on both sides. */
export const times = new Set([
  ...[
    "RestartSec",
    "TimeoutStartSec",
    "TimeoutStopSec",
    "RuntimeMaxSec",
    "WatchdogSec",
    "Accuracy",
    "TimeoutSec",
  ],
  "Job Timeout",
]);

/** What we have, by the manager's labels. Commands are lists of words, one text each, joined by NUL. */
export function dumpOf(unit: Unit): ReadonlyMap<string, readonly string[]> {
  const lines = new Map<string, readonly string[]>();
  const put = (label: string, value: readonly string[] | string | undefined) => {
    if (value !== undefined) lines.set(label, typeof value === "string" ? [value] : value);
  };
  const { unit: common } = unit;
  put("Unit Load State", unit.state === "refused" ? "bad-setting" : unit.state);
  put("Description", common.Description);
  put("Documentation", common.Documentation);
  put("Source Path", common.SourcePath);
  for (const name of [
    "StopWhenUnneeded",
    "RefuseManualStart",
    "RefuseManualStop",
    "DefaultDependencies",
    "IgnoreOnIsolate",
  ] as const)
    put(name, flag(common[name]));
  put("OnFailureJobMode", common.OnFailureJobMode);
  put("Job Timeout", seconds(common.JobTimeoutSec));
  const conditions = [...(common.Conditions ?? []), ...(common.Asserts ?? [])];
  put("Conditions", conditions.length === 0 ? undefined : conditions.map(conditionText));
  switch (unit.type) {
    case "service":
      putService(put, unit.service);
      break;
    case "socket":
      putSocket(put, unit.socket);
      break;
    case "timer": {
      const { Elapse, Persistent, AccuracySec, FixedRandomDelay, RemainAfterElapse, WakeSystem } = unit.timer;
      put(
        "Elapse",
        Elapse?.map((one) =>
          one.base === "calendar" ? "calendar" : `${timerNames[one.base]}: ${seconds(one.seconds)}`,
        ),
      );
      put("Persistent", flag(Persistent));
      put("Accuracy", seconds(AccuracySec));
      put("FixedRandomDelay", flag(FixedRandomDelay));
      put("RemainAfterElapse", flag(RemainAfterElapse));
      put("WakeSystem", flag(WakeSystem));
      put("Unit", unit.timer.Unit);
      break;
    }
    case "path":
      put(
        "Watch",
        unit.path.Watch?.map(({ kind, path }) => `${kind}: ${path}`),
      );
      put("MakeDirectory", flag(unit.path.MakeDirectory));
      put("Unit", unit.path.Unit);
      break;
    default:
      break;
  }
  return lines;
}

const timerNames = {
  active: "OnActiveSec",
  boot: "OnBootSec",
  startup: "OnStartupSec",
  "unit-active": "OnUnitActiveSec",
  "unit-inactive": "OnUnitInactiveSec",
} as const;

type Put = (label: string, value: readonly string[] | string | undefined) => void;
type Service = Extract<Unit, { type: "service" }>["service"];
type Socket = Extract<Unit, { type: "socket" }>["socket"];

function flag(value: boolean | undefined): string | undefined {
  return value === undefined ? undefined : value ? "yes" : "no";
}

function seconds(value: number | undefined): string | undefined {
  return value === undefined ? undefined : value === Number.POSITIVE_INFINITY ? "infinity" : `${value}s`;
}

function octal(value: number | undefined): string | undefined {
  return value?.toString(8).padStart(4, "0");
}

const names = (text: string): readonly string[] => text.split(" ");

const commandNames = names(
  "ExecCondition ExecStartPre ExecStart ExecStartPost ExecReload ExecStop ExecStopPost",
);
const directories = names(
  "RuntimeDirectory StateDirectory CacheDirectory LogsDirectory ConfigurationDirectory",
);
const pathLists = names("ReadWritePaths ReadOnlyPaths InaccessiblePaths ExecPaths NoExecPaths");

/** Settings whose lines show them as they are, by the kind of value. */
const flags = names(
  "RemainAfterExit GuessMainPID PermissionsStartOnly NonBlocking SendSIGKILL SendSIGHUP DynamicUser PrivateTmp " +
    "PrivateDevices PrivateNetwork PrivateUsers ProtectKernelTunables ProtectKernelModules ProtectKernelLogs " +
    "ProtectClock ProtectControlGroups ProtectHostname IgnoreSIGPIPE LockPersonality MemoryDenyWriteExecute " +
    "RestrictRealtime RestrictSUIDSGID MountAPIVFS TTYReset TTYVHangup TTYVTDisallocate",
);
const words = names(
  "Type Restart KillMode ProtectSystem ProtectHome ProtectProc ProcSubset PIDFile BusName User Group KeyringMode " +
    "IOSchedulingClass DevicePolicy OOMPolicy NotifyAccess RuntimeDirectoryPreserve Slice TTYPath PAMName " +
    "UtmpIdentifier SyslogFacility Nice OOMScoreAdjust IOWeight StartupIOWeight CPUSchedulingPriority SystemCallErrorNumber",
);
const spans = ["RestartSec", "TimeoutStartSec", "TimeoutStopSec", "RuntimeMaxSec", "WatchdogSec"] as const;
const modes = names("UMask RuntimeDirectoryMode StateDirectoryMode CacheDirectoryMode LogsDirectoryMode");
const signals = ["KillSignal", "RestartKillSignal", "FinalKillSignal"] as const;

function commandLines(commands: unknown): readonly string[] | undefined {
  return (commands as readonly Command[] | undefined)?.map(({ argv }) => argv.join("\0"));
}

function putService(put: Put, service: Service): void {
  const all = service as Settings;
  for (const name of commandNames) put(name, commandLines(all[name]));
  for (const name of flags) put(name, flag(all[name] as boolean | undefined));
  for (const name of words) put(name, all[name] === undefined ? undefined : String(all[name]));
  for (const name of spans) put(name, seconds(service[name]));
  for (const name of modes) put(name, octal(all[name] as number | undefined));
  for (const name of directories)
    put(
      name,
      (all[name] as Service["RuntimeDirectory"])?.map(({ path }) => path),
    );
  for (const name of pathLists) put(name, pathsText(all[name] as readonly SandboxPath[] | undefined));
  for (const name of signals) if (service[name] !== undefined) put(name, signalName(service[name]));
  put(
    "IOPriority",
    service.IOSchedulingPriority === undefined ? undefined : String(service.IOSchedulingPriority),
  );
  const { WorkingDirectory: place } = service;
  if (place !== undefined && place.path !== "~") put("WorkingDirectory", place.path);
  const { Environment, EnvironmentFile } = service;
  put(
    "Environment",
    Environment === undefined ? undefined : Array.from(Environment, ([name, value]) => `${name}=${value}`),
  );
  put(
    "EnvironmentFile",
    EnvironmentFile?.map(({ path, optional }) => `${optional ? "-" : ""}${path}`),
  );
  put("PassEnvironment", service.PassEnvironment);
  put("UnsetEnvironment", service.UnsetEnvironment);
  put(
    "SupplementaryGroups",
    service.SupplementaryGroups === undefined ? undefined : service.SupplementaryGroups.join(" "),
  );
  const lower = (set: readonly string[] | undefined) => set?.map((one) => one.toLowerCase()).join(" ");
  put("CapabilityBoundingSet", lower(boundingSet(service)));
  if (service.AmbientCapabilities?.length !== 0)
    put("AmbientCapabilities", lower(service.AmbientCapabilities));
  const { RestrictNamespaces } = service;
  put("RestrictNamespaces", RestrictNamespaces?.length === 0 ? "n/a" : RestrictNamespaces?.join(" "));
  put("SystemCallArchitectures", service.SystemCallArchitectures?.join(" "));
  for (const [name, limit] of Object.entries(service).filter(([name]) => name.startsWith("Limit"))) {
    const { soft, hard } = limit as { soft: number; hard: number };
    put(name, limitText(hard));
    put(`${name}Soft`, limitText(soft));
  }
  for (const name of ["MemoryMax", "MemoryHigh", "MemoryLow", "MemoryMin", "MemorySwapMax"] as const) {
    const amount = service[name];
    if (typeof amount === "number") put(name, limitText(amount));
  }
  if (typeof service.TasksMax === "number") put("TasksMax", limitText(service.TasksMax));
  const devices = service.DeviceAllow?.map(({ device, access }) => `${device} ${access}`);
  // Who protects the clock may look at it.
  put("DeviceAllow", devices && (service.ProtectClock === true ? [...devices, "char-rtc r"] : devices));
  putStreams(put, service);
}

/** What other settings take away from the bounding set; undefined where it is whole. */
function boundingSet(service: Service): readonly string[] | undefined {
  const implied: readonly (readonly [flag: boolean | undefined, names: readonly string[]])[] = [
    [service.PrivateDevices, ["CAP_MKNOD", "CAP_SYS_RAWIO"]],
    [service.ProtectKernelModules, ["CAP_SYS_MODULE"]],
    [service.ProtectKernelLogs, ["CAP_SYSLOG"]],
    [service.ProtectClock, ["CAP_SYS_TIME", "CAP_WAKE_ALARM"]],
  ];
  const taken = implied.flatMap(([flag, names]) => (flag === true ? names : []));
  const left = (service.CapabilityBoundingSet ?? capabilities).filter((one) => !taken.includes(one));
  return left.length === capabilities.length ? undefined : left;
}

function putStreams(put: Put, service: Service): void {
  const { StandardInput, StandardOutput, StandardError } = service;
  put("StandardInput", StandardInput?.kind);
  for (const [label, output] of [
    ["StandardOutput", StandardOutput],
    ["StandardError", StandardError],
  ] as const) {
    if (output === undefined) continue;
    put(label, "console" in output && output.console ? `${output.kind}+console` : output.kind);
    const suffix =
      output.kind === "file" ? "File" : output.kind === "append" ? "FileToAppend" : "FileToTruncate";
    if ("path" in output) put(`${label}${suffix}`, output.path);
  }
}

function limitText(value: number): string {
  return String(value === Number.POSITIVE_INFINITY ? 18446744073709551615n : value);
}

function pathsText(paths: readonly SandboxPath[] | undefined): string | undefined {
  return paths
    ?.map(({ path, optional, inRoot }) => `${optional ? "-" : ""}${inRoot ? "+" : ""}${path}`)
    .join(" ");
}

function putSocket(put: Put, socket: Socket): void {
  put("Listen", socket.Listen?.map(listenerText));
  for (const name of [
    "RemoveOnStop",
    "Writable",
    "KeepAlive",
    "NoDelay",
    "FreeBind",
    "PassCredentials",
    "PassSecurity",
  ] as const)
    put(name, flag(socket[name]));
  put("SocketMode", octal(socket.SocketMode));
  put("DirectoryMode", octal(socket.DirectoryMode));
  put("SocketUser", socket.SocketUser);
  put("SocketGroup", socket.SocketGroup);
  put("BindIPv6Only", socket.BindIPv6Only);
  put("FileDescriptorName", socket.FileDescriptorName);
  put("Symlinks", socket.Symlinks?.join(" "));
  for (const name of names("ExecStartPre ExecStartPost ExecStopPost"))
    put(name, commandLines((socket as Settings)[name]));
  for (const name of ["Backlog", "MaxConnections", "ReceiveBuffer", "SendBuffer"] as const)
    put(name, socket[name] === undefined ? undefined : String(socket[name]));
}

const listenNames: Readonly<Record<Listener["kind"], string>> = {
  stream: "ListenStream",
  datagram: "ListenDatagram",
  seqpacket: "ListenSequentialPacket",
  fifo: "ListenFIFO",
  special: "ListenSpecial",
  "usb-function": "ListenUSBFunction",
  netlink: "ListenNetlink",
  "message-queue": "ListenMessageQueue",
};

function listenerText(listener: Listener): string {
  const name = listenNames[listener.kind];
  if ("address" in listener) return `${name}: ${addressText(listener.address)}`;
  if ("path" in listener) return `${name}: ${listener.path}`;
  return `${name}: ${"family" in listener ? `${listener.family} ${listener.group}` : listener.name}`;
}

function addressText(address: SocketAddress): string {
  switch (address.family) {
    case "any":
      return `[::]:${address.port}`;
    case "unix":
      return address.path;
    case "abstract":
      return `@${address.name}`;
    case "ipv4":
      return `${address.host}:${address.port}`;
    case "ipv6":
      return `[${address.host}]:${address.port}`;
    case "vsock":
      return `vsock:${address.cid ?? ""}:${address.port}`;
  }
}
