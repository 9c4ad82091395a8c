// The directives that do not have, or not wholly, the effect here that they have under systemd, and why. Every other one that
// is known is applied. What depends on the kernel is not said here: a unit's start finds it out.

import { notDone as withoutFile } from "../../src/daemon/units/execution/cgroup.js";
import { resourceDirectives } from "../directives/resources.js";
import type { SectionName } from "../directives.js";
import { parseBoolean } from "../parser/number.js";

export interface Shortcoming {
  /** `partly`: some of its effect is there. */
  readonly extent: "partly" | "not";
  readonly why: string;
  /** Values with which it asks for nothing but what is so anyway. Booleans are `yes` and `no`. */
  readonly unless?: readonly string[];
  /** The only values that this is about. A text that ends with `*` stands for all that begin so. */
  readonly only?: readonly string[];
}

type Limits = Pick<Shortcoming, "unless" | "only">;
type Table = Readonly<Record<string, Shortcoming>>;

const not = (why: string, limits: Limits = {}): Shortcoming => ({ extent: "not", why, ...limits });
const partly = (why: string, limits: Limits = {}): Shortcoming => ({ extent: "partly", why, ...limits });

const unlessNo: Limits = { unless: ["no", "0"] };
const unlessYes: Limits = { unless: ["yes", "1"] };
const unlessNone: Limits = { unless: ["none"] };
const unlessEndless: Limits = { unless: ["infinity", "0"] };

const all = (names: readonly string[], shortcoming: Shortcoming): Table =>
  Object.fromEntries(names.map((name) => [name, shortcoming]));

/** [Unit] and [Install]. */
const general: Table = {
  SourcePath: not("it only says what the unit was made from"),
  RequiresMountsFor: not("mounts are not waited for: what is to be mounted is mounted before services start"),
  JoinsNamespaceOf: not("each service has namespaces of its own"),
  ...all(["RefuseManualStart", "RefuseManualStop"], not("whoever may use herd may do it", unlessNo)),
  ...all(["AllowIsolate", "OnFailureIsolate"], not("targets are not isolated", unlessNo)),
  IgnoreOnIsolate: not("targets are not isolated", unlessYes),
  ...all(["OnFailureJobMode", "OnSuccessJobMode"], not("there are no job modes", { unless: ["replace"] })),
  ...all(
    ["JobTimeoutSec", "JobRunningTimeoutSec"],
    not("waiting for other units has no time limit of its own", unlessEndless),
  ),
  JobTimeoutAction: not("waiting for other units has no time limit of its own", unlessNone),
  JobTimeoutRebootArgument: not("waiting for other units has no time limit of its own"),
  ...all(
    ["SuccessAction", "FailureAction", "StartLimitAction"],
    not("no unit ends or reboots the system here", unlessNone),
  ),
  ...all(
    ["SuccessActionExitStatus", "FailureActionExitStatus", "RebootArgument"],
    not("no unit ends or reboots the system here"),
  ),
  CollectMode: not("a unit that has failed stays known", { unless: ["inactive"] }),
};

const journal = "there is no journal: lines go to the service's log as they are";
const logins = "no record of logins is written";
const images = "file systems in images are not mounted";
const labels = "labels of security modules are not set";
const memoryPolicy = "the placement of memory is left to the kernel";
const encrypted = "encrypted credentials are not decrypted";
const terminal = "terminals are neither reset nor hung up";

/** How processes run: sections [Service], [Socket]. */
const execution: Table = {
  ...all(
    ["RootImage", "RootImageOptions", "RootHash", "RootHashSignature", "RootVerity", "MountImages"],
    not(images),
  ),
  ...all(["ExtensionDirectories", "ExtensionImages"], not(images)),
  CoredumpFilter: not("what a core dump holds is left as it is"),
  NUMAPolicy: not(memoryPolicy, { unless: ["default"] }),
  NUMAMask: not(memoryPolicy),
  TimerSlackNSec: not("the slack of timers is left as it is"),
  StandardInput: partly("the start fails, as with tty-fail, while another session has the terminal", {
    only: ["tty", "tty-force"],
  }),
  ...all(
    ["StandardOutput", "StandardError"],
    partly("output goes to the log alone", {
      only: ["journal+console", "syslog+console", "kmsg+console"],
    }),
  ),
  ...all(["TTYReset", "TTYVHangup", "TTYVTDisallocate"], not(terminal, unlessNo)),
  ...all(["TTYRows", "TTYColumns"], not("the size of a terminal is left as it is")),
  ...all(["SyslogFacility", "SyslogLevel", "LogLevelMax", "LogExtraFields", "LogNamespace"], not(journal)),
  SyslogLevelPrefix: not(journal, unlessNo),
  ...all(
    ["LogRateLimitIntervalSec", "LogRateLimitBurst"],
    not("the log has no limit of lines", { unless: ["0"] }),
  ),
  ...all(["UtmpIdentifier", "UtmpMode"], not(logins)),
  PAMName: not("no session is opened through PAM"),
  RemoveIPC: not("System V and POSIX objects of the user stay", unlessNo),
  TimeoutCleanSec: not("nothing cleans the unit's directories on demand"),
  ...all(["LoadCredentialEncrypted", "SetCredentialEncrypted"], not(encrypted)),
  KeyringMode: not("processes have the keyring that the supervisor has", { unless: ["inherit"] }),
  RestrictFileSystems: not("it takes a program in the kernel, which is not loaded"),
  SystemCallLog: not("system calls are not logged"),
  ...all(["SELinuxContext", "AppArmorProfile", "SmackProcessLabel"], not(labels)),
};

const filter = "it takes a program in the kernel that filters by cgroup, which is not loaded";
const pressure = "there is no systemd-oomd, which would do it";

/** Cgroups: sections [Service], [Socket], [Slice]. */
const resources: Table = {
  ...all(withoutFile, not("services' cgroups do not have it")),
  CPUWeight: partly("the least weight, 1, is taken", { only: ["idle"] }),
  ...all(
    [
      "DeviceAllow",
      "IPAddressAllow",
      "IPAddressDeny",
      "IPIngressFilterPath",
      "IPEgressFilterPath",
      "BPFProgram",
    ],
    not(filter),
  ),
  ...all(["SocketBindAllow", "SocketBindDeny", "RestrictNetworkInterfaces"], not(filter)),
  DevicePolicy: not(filter, { unless: ["auto"] }),
  ...all(
    ["CPUAccounting", "MemoryAccounting", "TasksAccounting"],
    not("it is counted all the same", unlessYes),
  ),
  ...all(["IOAccounting", "BlockIOAccounting"], not("what is read and written is not counted", unlessNo)),
  IPAccounting: not("traffic is not counted", unlessNo),
  Slice: not("each service has a cgroup of its own, in no slice"),
  Delegate: partly("the service has its cgroup to itself, but the controllers are not handed down", unlessNo),
  ...all(["ManagedOOMSwap", "ManagedOOMMemoryPressure"], not(pressure, { unless: ["auto"] })),
  ManagedOOMMemoryPressureLimit: not(pressure),
  ManagedOOMPreference: not(pressure, unlessNone),
};

/** Of a socket unit: its own commands run like those of a service, but what limits them does not. */
const socketResources: Table = all(
  Object.keys(resourceDirectives),
  not("only services have limits of their own"),
);

const usb = "functions of USB are not set up";

const service: Table = {
  ExitType: not("the service ends when its main process does", { only: ["cgroup"] }),
  NotifyAccess: partly("every process of the unit may send messages, not only its commands", {
    only: ["exec"],
  }),
  OOMPolicy: not("only the process that the kernel has killed ends", { unless: ["continue"] }),
  ...all(["USBFunctionDescriptors", "USBFunctionStrings"], not(usb)),
};

const queues = "message queues are not opened: the start fails";

const socket: Table = {
  ...all(
    ["ListenStream", "ListenDatagram", "ListenSequentialPacket"],
    not("sockets of vsock are not opened: the start fails", { only: ["vsock:*"] }),
  ),
  ListenNetlink: not("sockets of netlink are not opened: the start fails"),
  ListenMessageQueue: not(queues),
  ListenUSBFunction: not(`${usb}: the start fails`),
  ...all(["MessageQueueMaxMessages", "MessageQueueMessageSize"], not(queues)),
  ...all(["SmackLabel", "SmackLabelIPIn", "SmackLabelIPOut"], not(labels)),
  SELinuxContextFromNet: not(labels, unlessNo),
  PipeSize: not("a FIFO has the kernel's usual size"),
  FlushPending: not("what waits when the service stops starts it again", unlessNo),
};

const timer: Table = {
  OnTimezoneChange: not("it is not noticed that the time zone was changed", unlessNo),
  WakeSystem: not("the machine is not woken up", unlessNo),
};

const path: Table = {
  PathChanged: partly(
    "a file counts as changed when nobody has written to it for a moment, be it open or closed",
  ),
};

const looked = partly("nothing is mounted, but it is looked whether something is there already");

/** Sections of units that are not brought about; what all of their directives have in common, and those that differ. */
const machines: Readonly<Partial<Record<SectionName, { readonly usual: Shortcoming; readonly own: Table }>>> =
  {
    Mount: { usual: not("file systems are mounted by the machine"), own: { Where: looked } },
    Automount: { usual: not("file systems are mounted by the machine"), own: { Where: looked } },
    Swap: { usual: not("swap is the machine's"), own: {} },
    Slice: { usual: not("there are no slices: each service has a cgroup of its own"), own: {} },
  };

const tables: Readonly<Partial<Record<SectionName, readonly Table[]>>> = {
  Unit: [general],
  Install: [],
  Service: [service, execution, resources],
  Socket: [socket, execution, socketResources],
  Timer: [timer],
  Path: [path],
};

/** What is to be said of a directive, whatever its value is: undefined where it is applied. */
export function shortcomingOf(section: SectionName, name: string): Shortcoming | undefined {
  const machine = machines[section];
  if (machine !== undefined) return machine.own[name] ?? machine.usual;
  const table = tables[section]?.find((one) => Object.hasOwn(one, name));
  return table?.[name];
}

/** The same with this value, which is one that the directive can have. */
export function shortcomingWith(section: SectionName, name: string, value: string): Shortcoming | undefined {
  const found = shortcomingOf(section, name);
  // What is empty takes back what was said before.
  if (found === undefined || value === "") return undefined;
  // What says that it may fail says that it can be done without.
  if (found.why === labels && value.startsWith("-")) return undefined;
  const word = plainWord(value);
  if (found.unless?.includes(word) === true) return undefined;
  return found.only === undefined || found.only.some((one) => matches(word, one)) ? found : undefined;
}

function plainWord(value: string): string {
  const truth = parseBoolean(value);
  // Numbers stay what they are.
  return truth === undefined || /^\d+$/.test(value) ? value : truth ? "yes" : "no";
}

function matches(word: string, pattern: string): boolean {
  return pattern.endsWith("*") ? word.startsWith(pattern.slice(0, -1)) : word === pattern;
}
