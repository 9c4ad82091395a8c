// The configuration of Tor as records, and the file that tor reads, as Guix generates it.

import { type Checks, check, fail, type Subject, show } from "../daemon/definition/check.js";
import { fields, isName, isText, listOf } from "../daemon/definition/fields.js";
import { recordConstructor } from "./composition/record.js";
import { isPlainPath, isPort, isPortText, isWord, lines, oneOf } from "./configuration-checks.js";
import { type FileLike, fileLikeCheck, filePath, type PlainFile, plainFile } from "./files/file-like.js";
import { tor } from "./files/packages.js";
import { type SoftwarePackage, softwarePackageCheck } from "./files/software-package.js";

/** Where hidden services have their keys and names, each in a directory of its own. */
export const hiddenServicesDirectory = "/var/lib/tor/hidden-services";

/** A port of the hidden service, and where its connections go: `"HOST:PORT"`, `"PORT"` or `"unix:FILE"`. */
export type PortMapping = readonly [port: number, target: string];

/** A service that can be reached through Tor without anybody knowing where it is. */
export interface HiddenService {
  /** Its directory's name below /var/lib/tor/hidden-services, where its `.onion` name is found in `hostname`. */
  readonly name: string;
  /** At least one, such as `[[22, "127.0.0.1:22"], [80, "127.0.0.1:8080"]]`. */
  readonly mapping: readonly PortMapping[];
}

/** A program that disguises Tor's connections. */
export interface TorTransportPlugin {
  /** `"client"`, the default: for connections to bridges. `"server"`: this is a bridge. */
  readonly role: "client" | "server";
  /** The transport's name; default `"obfs4"`. */
  readonly protocol: string;
  /** Such as `"/usr/bin/obfs4proxy"`; a name without spaces. */
  readonly program: FileLike;
}

/** What `torServiceType` runs. */
export interface TorConfiguration {
  /** The package; default Debian's. */
  readonly tor: SoftwarePackage;
  /**
   * More of tor's configuration, after what is generated; default nothing. The contents of a `plainFile` become part of
   * the file as they are; any other file is included by name, and read when tor starts. It must be readable for the user
   * `tor` then.
   */
  readonly configFile: FileLike;
  /** Default none. Others add theirs by extending the service, as `torHiddenService` does. */
  readonly hiddenServices: readonly HiddenService[];
  /** Where clients connect to: `"tcp"`, the default, is tor's own choice, port 9050; `"unix"`: /var/run/tor/socks-sock. */
  readonly socksSocketType: "tcp" | "unix";
  /** Whether there is a control socket, /var/run/tor/control-sock, for members of the group `tor`; default false. */
  readonly controlSocket: boolean;
  /** Default none. */
  readonly transportPlugins: readonly TorTransportPlugin[];
  /** Where tor logs to: `"syslog"`, the default, or `"stderr"`, which goes to /var/log/tor.log and needs no system log. */
  readonly logDestination: "syslog" | "stderr";
  /** Whether it is started with the system; default true. */
  readonly autoStart: boolean;
}

function isTarget(value: unknown): boolean {
  if (!isWord(value)) return false;
  if (value.startsWith("unix:")) return isPlainPath(value.slice("unix:".length));
  const [, port = value] = /^(?:\[[\da-fA-F:.]+\]|[\w.-]+):(\d+)$/.exec(value) ?? [];
  return isPortText(port);
}

const isMapping = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && isPort(value[0]) && isTarget(value[1]);

const hiddenServiceChecks: Checks<HiddenService> = {
  name: check<string>("a name without spaces, slashes and quotes", (value) => isName(value) && isWord(value)),
  mapping: listOf<PortMapping>(
    'a list of at least one [port, target], where the target is "HOST:PORT", "PORT" or "unix:FILE"',
    isMapping,
    1,
  ),
};

/**
 * A hidden service, for `hiddenServices` of `torConfiguration`.
 *
 * @example hiddenService({ name: "ssh", mapping: [[22, "127.0.0.1:22"]] })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const hiddenService = recordConstructor<HiddenService, "name" | "mapping">(
  "hiddenService",
  hiddenServiceChecks,
  {},
);

/**
 * A transport plugin, for `transportPlugins` of `torConfiguration`.
 *
 * @example torTransportPlugin({ program: "/usr/bin/obfs4proxy" })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const torTransportPlugin = recordConstructor<TorTransportPlugin, "program">(
  "torTransportPlugin",
  {
    role: oneOf(["client", "server"]),
    protocol: check<string>("a name of letters, digits and _", (value) =>
      typeof value === "string" ? /^[A-Za-z_][A-Za-z0-9_]*$/.test(value) : false,
    ),
    program: lines.file,
  },
  { role: "client", protocol: "obfs4" },
);

const checks: Checks<TorConfiguration> = {
  tor: softwarePackageCheck,
  configFile: fileLikeCheck,
  hiddenServices: listOf<HiddenService>(
    "a list of records made by hiddenService(…)",
    hiddenService.isInstance,
  ),
  socksSocketType: oneOf(["tcp", "unix"]),
  controlSocket: fields.flag,
  transportPlugins: listOf<TorTransportPlugin>(
    "a list of records made by torTransportPlugin(…)",
    torTransportPlugin.isInstance,
  ),
  logDestination: oneOf(["syslog", "stderr"]),
  autoStart: fields.flag,
};

const nothing = plainFile("empty", "");

/**
 * The configuration of Tor.
 *
 * @example torConfiguration({ socksSocketType: "unix", hiddenServices: [hiddenService({ name: "web", mapping: [[80, "127.0.0.1:8080"]] })] })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const torConfiguration = recordConstructor<TorConfiguration>(
  "torConfiguration",
  checks,
  {
    tor,
    configFile: nothing,
    hiddenServices: [],
    socksSocketType: "tcp",
    controlSocket: false,
    transportPlugins: [],
    logDestination: "syslog",
    autoStart: true,
  },
  validate,
);

function validate(of: Subject, { hiddenServices, configFile }: TorConfiguration): void {
  const names = hiddenServices.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) fail(of, `field "hiddenServices": there are two of the name ${show(twice)}`);
  // tor expands these in the names of files that it includes.
  if (!isVerbatim(configFile) && !/^[^\s"\\*?[\]]+$/.test(filePath(configFile)))
    fail(
      of,
      `field "configFile": expected a file whose name has no spaces and none of "\\*?[], got ${show(filePath(configFile))}`,
    );
}

const isVerbatim = (file: FileLike): file is PlainFile & { readonly contents: string } =>
  typeof file === "object" && "kind" in file && file.kind === "plain-file" && isText(file.contents);

/** The files that the torrc includes by name, and that have to be in place. */
export function includedFiles({ configFile }: TorConfiguration): readonly FileLike[] {
  return isVerbatim(configFile) ? [] : [configFile];
}

/** The file that tor reads. */
export function torrc(configuration: TorConfiguration): PlainFile {
  return plainFile("torrc", torrcText(configuration));
}

/** Its text: what is generated, and then the user's own. */
export function torrcText(configuration: TorConfiguration): string {
  const generated = [
    "### These lines were generated from your system configuration:",
    "DataDirectory /var/lib/tor",
    `Log notice ${configuration.logDestination}`,
    ...socksLines(configuration),
    ...controlLines(configuration),
    ...configuration.hiddenServices.flatMap(hiddenServiceLines),
    ...configuration.transportPlugins.map(pluginLine),
    "### End of automatically generated lines.",
  ];
  return `${generated.join("\n")}\n\n${ownText(configuration)}`;
}

function socksLines({ socksSocketType }: TorConfiguration): readonly string[] {
  return socksSocketType === "unix"
    ? ["SocksPort unix:/var/run/tor/socks-sock", "UnixSocksGroupWritable 1"]
    : [];
}

function controlLines({ controlSocket }: TorConfiguration): readonly string[] {
  return controlSocket
    ? [
        "ControlSocket unix:/var/run/tor/control-sock GroupWritable RelaxDirModeCheck",
        "ControlSocketsGroupWritable 1",
      ]
    : [];
}

function hiddenServiceLines({ name, mapping }: HiddenService): readonly string[] {
  return [
    `HiddenServiceDir ${hiddenServicesDirectory}/${name}`,
    ...mapping.map(([port, target]) => `HiddenServicePort ${port} ${target}`),
  ];
}

function pluginLine({ role, protocol, program }: TorTransportPlugin): string {
  const option = role === "client" ? "ClientTransportPlugin" : "ServerTransportPlugin";
  return `${option} ${protocol} exec ${filePath(program)}`;
}

function ownText({ configFile }: TorConfiguration): string {
  return isVerbatim(configFile) ? configFile.contents : `%include "${filePath(configFile)}"\n`;
}
