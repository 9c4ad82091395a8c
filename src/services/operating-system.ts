// `operatingSystem`: a whole system as one record, and the essential services that it has without being told.

import { operatingSystemMarker } from "../daemon/configuration/operating-system-marker.js";
import { type Checks, check, fail, type Subject, show } from "../daemon/definition/check.js";
import { fields, isText, listOf } from "../daemon/definition/fields.js";
import { baseGroups, baseUserAccounts, rootAccount } from "./accounts/base.js";
import {
  isSkeleton,
  type Skeleton,
  type UserAccount,
  type UserGroup,
  userAccount,
  userGroup,
} from "./accounts/records.js";
import { baseServices } from "./base.js";
import { instantiateMissingServices } from "./composition/instantiate.js";
import { type Given, recordConstructor } from "./composition/record.js";
import { serviceList, validateServiceList } from "./composition/service-list.js";
import { type Service, service } from "./composition/service-type.js";
import { accountServiceType } from "./essential/account.js";
import { activationServiceType } from "./essential/activation.js";
import { bootServiceType } from "./essential/boot.js";
import { cleanupServiceType } from "./essential/cleanup.js";
import { type EtcEntry, etcServiceType } from "./essential/etc.js";
import { fileSystemsServiceType, rootFileSystemServiceType } from "./essential/file-systems.js";
import { hostNameServiceType, unchangedHostName } from "./essential/host-name.js";
import { type Host, hostList, hostsServiceType, localHosts } from "./essential/hosts.js";
import { linuxBuilderServiceType } from "./essential/linux-builder.js";
import {
  type PrivilegedProgram,
  privilegedProgram,
  privilegedProgramServiceType,
} from "./essential/privileged-programs.js";
import { packageList, profileServiceType } from "./essential/profile.js";
import { shepherdRootService } from "./essential/shepherd-root.js";
import { systemServiceType } from "./essential/system.js";
import { userProcessesServiceType } from "./essential/user-processes.js";
import { plainFile, type SoftwarePackage } from "./files/file-like.js";

/** A whole system. */
export interface OperatingSystem {
  /** The machine's name. Default `localhost`, which leaves the name that the machine has. */
  readonly hostName: string;
  /** Such as `"Europe/Berlin"`, for `/etc/localtime`; default: as it is. */
  readonly timezone: string | undefined;
  /** What the system is for; default `baseServices`. */
  readonly services: readonly Service[];
  /** What every system needs: a list, or a function of the system. Default `operatingSystemDefaultEssentialServices`. */
  readonly essentialServices: EssentialServices;
  /** Users besides root; default `baseUserAccounts`. */
  readonly users: readonly UserAccount[];
  /** Default `baseGroups`. */
  readonly groups: readonly UserGroup[];
  /** Files put into new home directories; default: Debian's, in `/etc/skel`. */
  readonly skeletons: readonly Skeleton[];
  /** Packages of the profile; default none. */
  readonly packages: readonly SoftwarePackage[];
  /** Lines of `/etc/hosts`, besides those of the machine itself; default: the file stays as it is. */
  readonly hosts: readonly Host[];
  /** The text of `/etc/issue`; default: as it is. */
  readonly issue: string | undefined;
  /** Programs that run with more privileges than whoever calls them; default none: Debian's own stay as they are. */
  readonly privilegedPrograms: readonly PrivilegedProgram[];
  /** The canonical name of the service whose end is the end of the container: its exit code becomes ours. Default none. */
  readonly exitWith: string | undefined;
  /** Seconds within which a shutdown ends, whatever services do; default 30. */
  readonly shutdownTimeout: number | undefined;
}

/** What `operatingSystem` takes. */
export type OperatingSystemOptions = Given<OperatingSystem>;

/** The essential services, or a function that makes them: Guix's `this-operating-system` is its argument. */
export type EssentialServices = readonly Service[] | ((system: OperatingSystem) => readonly Service[]);

const checks: Checks<OperatingSystem> = {
  hostName: check<string>(
    "the name of a host: up to 64 letters, digits, dots and dashes",
    (value) => typeof value === "string" && /^[a-z0-9](?:[a-z0-9.-]{0,62}[a-z0-9])?$/i.test(value),
  ),
  timezone: check<string>(
    'a time zone such as "Europe/Berlin"',
    (value) => typeof value === "string" && /^[A-Za-z0-9_+-]+(?:\/[A-Za-z0-9_+-]+)*$/.test(value),
  ),
  services: serviceList,
  essentialServices: check<EssentialServices>(
    "a list of services, or a function that makes one of an operating system",
    (value) => typeof value === "function" || serviceList.matches(value),
  ),
  users: listOf<UserAccount>("a list of users made by userAccount(…)", userAccount.isInstance),
  groups: listOf<UserGroup>("a list of groups made by userGroup(…)", userGroup.isInstance),
  skeletons: listOf<Skeleton>("a list of pairs [relative file name, file]", isSkeleton),
  packages: packageList,
  hosts: hostList,
  issue: check<string>("a string", isText),
  privilegedPrograms: listOf<PrivilegedProgram>(
    "a list of programs made by privilegedProgram(…)",
    privilegedProgram.isInstance,
  ),
  exitWith: fields.name,
  shutdownTimeout: check<number>(
    "a positive number of seconds",
    (value) => fields.seconds.matches(value) && value > 0,
  ),
};

const construct = recordConstructor<OperatingSystem>("operatingSystem", checks, {
  hostName: unchangedHostName,
  timezone: undefined,
  services: baseServices,
  essentialServices: operatingSystemDefaultEssentialServices,
  users: baseUserAccounts,
  groups: baseGroups,
  skeletons: [],
  packages: [],
  hosts: [],
  issue: undefined,
  privilegedPrograms: [],
  exitWith: undefined,
  shutdownTimeout: undefined,
});

const systems = new WeakSet<object>();

/**
 * Declares a system: the default export of a configuration that `shepherd system` builds.
 *
 * @example
 * export default operatingSystem({
 *   services: [service(torServiceType), ...baseServices],
 *   users: [userAccount({ name: "alice", group: "users" }), ...baseUserAccounts],
 * });
 * @throws DefinitionError that names the place, the field and what was expected
 */
export function operatingSystem(given: OperatingSystemOptions = {}): OperatingSystem {
  const system: OperatingSystem = Object.freeze({ ...construct(given), [operatingSystemMarker]: true });
  systems.add(system);
  return system;
}

/** Whether `value` was made by `operatingSystem`. */
export function isOperatingSystem(value: unknown): value is OperatingSystem {
  return typeof value === "object" && value !== null && systems.has(value);
}

/** @throws DefinitionError unless `value` was made by `operatingSystem` */
export function checkOperatingSystem(of: Subject, value: unknown): OperatingSystem {
  if (isOperatingSystem(value)) return value;
  return fail(of, `expected a system made by operatingSystem(…), got ${show(value)}`);
}

/** Users of the system that no service asks for: root, whoever else declares it, and those of the field. */
function accountsOf({
  users,
  groups,
  skeletons,
}: OperatingSystem): readonly (UserAccount | UserGroup | Skeleton)[] {
  const hasRoot = users.some(({ name }) => name === "root");
  return [...groups, ...(hasRoot ? [] : [rootAccount]), ...users, ...skeletons];
}

function etcOf({ timezone, issue }: OperatingSystem): readonly EtcEntry[] {
  return [
    ...(issue === undefined
      ? []
      : [["issue", plainFile("issue", issue, { mode: 0o644 })] satisfies EtcEntry]),
    ...(timezone === undefined
      ? []
      : [
          ["localtime", `/usr/share/zoneinfo/${timezone}`] satisfies EtcEntry,
          ["timezone", plainFile("timezone", `${timezone}\n`, { mode: 0o644 })] satisfies EtcEntry,
        ]),
  ];
}

/**
 * The essential services of a system, in Guix's order, of those that make sense in a container. The order matters: folding
 * reverses it. So the accounts, which come after the activation service, are made before what services of the user, which
 * come before all of these, do at activation.
 */
export function operatingSystemDefaultEssentialServices(system: OperatingSystem): readonly Service[] {
  const { hostName, hosts, packages, privilegedPrograms } = system;
  return [
    service(systemServiceType, [["parameters", plainFile("parameters", parametersOf(system))]]),
    service(linuxBuilderServiceType),
    service(bootServiceType),
    service(cleanupServiceType),
    service(activationServiceType),
    shepherdRootService,
    service(privilegedProgramServiceType, privilegedPrograms),
    service(accountServiceType, accountsOf(system)),
    service(etcServiceType, etcOf(system)),
    service(hostsServiceType, hosts.length === 0 ? [] : [...localHosts(hostName), ...hosts]),
    service(hostNameServiceType, hostName),
    service(userProcessesServiceType),
    service(rootFileSystemServiceType),
    service(profileServiceType, packages),
    service(fileSystemsServiceType),
  ];
}

/** What the system says of itself, for programs. */
function parametersOf({ hostName, timezone }: OperatingSystem): string {
  return `${JSON.stringify({ version: 1, label: `shepherd-ts system ${hostName}`, hostName, timezone }, undefined, 2)}\n`;
}

/** The essential services of a system: what its field says. */
export function operatingSystemEssentialServices(system: OperatingSystem): readonly Service[] {
  const { essentialServices } = system;
  return typeof essentialServices === "function"
    ? validateServiceList(essentialServices(system))
    : essentialServices;
}

/** The services of the user: what the field `services` says. */
export function operatingSystemUserServices({ services }: OperatingSystem): readonly Service[] {
  return services;
}

/**
 * All services of a system: those of the user, then the essential ones, with what they extend and nobody has listed.
 *
 * @throws MissingTargetServiceError where something is extended that has no default value
 */
export function operatingSystemServices(system: OperatingSystem): readonly Service[] {
  checkOperatingSystem({ what: "operatingSystemServices" }, system);
  return instantiateMissingServices([
    ...operatingSystemUserServices(system),
    ...operatingSystemEssentialServices(system),
  ]);
}
