// The configuration of OpenSSH's server as a record, and the file that sshd reads.

import { type Checks, check, fail, type Subject, show } from "../daemon/definition/check.js";
import { fields, listOf } from "../daemon/definition/fields.js";
import { recordConstructor } from "./composition/record.js";
import { isLine, isWord, lines, oneOf } from "./configuration-checks.js";
import { type FileLike, fileLikeCheck, type PlainFile, plainFile } from "./files/file-like.js";
import { openssh } from "./files/packages.js";
import { type SoftwarePackage, softwarePackageCheck } from "./files/software-package.js";

/** A user's name, and the files with public keys that open the account. */
export type AuthorizedKeys = readonly [user: string, ...keys: FileLike[]];

const logLevels = [
  "quiet",
  "fatal",
  "error",
  "info",
  "verbose",
  "debug",
  "debug1",
  "debug2",
  "debug3",
] as const;
/** How much is logged. */
export type OpensshLogLevel = (typeof logLevels)[number];

/** What `opensshServiceType` runs. */
export interface OpensshConfiguration {
  /** The package, whose prefix has `sbin/sshd` and `bin/ssh-keygen`; default Debian's. */
  readonly openssh: SoftwarePackage;
  /** Default /var/run/sshd.pid. */
  readonly pidFile: string;
  /** Default 22. */
  readonly portNumber: number;
  /** Whether root may log in, or may in any way but by a password; default false. */
  readonly permitRootLogin: boolean | "prohibit-password" | "without-password";
  /** Whether accounts without a password are open; default false. */
  readonly allowEmptyPasswords: boolean;
  /** Default true. */
  readonly passwordAuthentication: boolean;
  /** Default true. */
  readonly publicKeyAuthentication: boolean;
  /** Default false. */
  readonly x11Forwarding: boolean;
  /** Default true. */
  readonly allowAgentForwarding: boolean;
  /** Default true. */
  readonly allowTcpForwarding: boolean;
  /** Whether ports that clients forward can be reached from other machines; default false. */
  readonly gatewayPorts: boolean;
  /** Default false. */
  readonly challengeResponseAuthentication: boolean;
  /** Whether PAM has a say; default true. */
  readonly usePam: boolean;
  /** Whether who logs in is told when that was last; default true. */
  readonly printLastLog: boolean;
  /** Names and commands; default `[["sftp", "internal-sftp"]]`. */
  readonly subsystems: readonly (readonly [name: string, command: string])[];
  /** Variables that clients may set, with `*` and `?` as wildcards; default none. */
  readonly acceptedEnvironment: readonly string[];
  /** Keys that open accounts, besides those in their home directories; default none. Extensions add theirs. */
  readonly authorizedKeys: readonly AuthorizedKeys[];
  /** Whether host keys that are missing are made at activation; default true. */
  readonly generateHostKeys: boolean;
  /** Default `"info"`. */
  readonly logLevel: OpensshLogLevel;
  /** More lines of sshd_config(5), at its end; default none. */
  readonly extraContent: string;
  /** Whether it is started with the system; default true. */
  readonly autoStart: boolean;
}

/** Each becomes the name of a file. */
const isUser = (value: unknown): boolean => isWord(value) && /^[\w][\w.@-]*\$?$/.test(value);

const isAuthorizedKeys = (value: unknown): boolean =>
  Array.isArray(value) &&
  value.length >= 2 &&
  isUser(value[0]) &&
  Array.from(value.slice(1) as unknown[]).every(fileLikeCheck.matches);

/** Checks of `authorizedKeys`, of the configuration and of extensions. */
export const authorizedKeysCheck = listOf<AuthorizedKeys>(
  "a list of [user, key, …], each key a file with public keys",
  isAuthorizedKeys,
);

const checks: Checks<OpensshConfiguration> = {
  openssh: softwarePackageCheck,
  pidFile: lines.path,
  portNumber: lines.port,
  permitRootLogin: check<OpensshConfiguration["permitRootLogin"]>(
    'true, false, "prohibit-password" or "without-password"',
    (value) => typeof value === "boolean" || value === "prohibit-password" || value === "without-password",
  ),
  allowEmptyPasswords: fields.flag,
  passwordAuthentication: fields.flag,
  publicKeyAuthentication: fields.flag,
  x11Forwarding: fields.flag,
  allowAgentForwarding: fields.flag,
  allowTcpForwarding: fields.flag,
  gatewayPorts: fields.flag,
  challengeResponseAuthentication: fields.flag,
  usePam: fields.flag,
  printLastLog: fields.flag,
  subsystems: listOf<readonly [string, string]>(
    "a list of [name, command], each of one line",
    (value) =>
      Array.isArray(value) && value.length === 2 && isWord(value[0]) && isLine(value[1]) && value[1] !== "",
  ),
  acceptedEnvironment: lines.words,
  authorizedKeys: authorizedKeysCheck,
  generateHostKeys: fields.flag,
  logLevel: oneOf(logLevels),
  extraContent: fields.text,
  autoStart: fields.flag,
};

/**
 * The configuration of OpenSSH's server.
 *
 * @example opensshConfiguration({ permitRootLogin: "prohibit-password", authorizedKeys: [["root", localFile("alice.pub")]] })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const opensshConfiguration = recordConstructor<OpensshConfiguration>(
  "opensshConfiguration",
  checks,
  {
    openssh,
    pidFile: "/var/run/sshd.pid",
    portNumber: 22,
    permitRootLogin: false,
    allowEmptyPasswords: false,
    passwordAuthentication: true,
    publicKeyAuthentication: true,
    x11Forwarding: false,
    allowAgentForwarding: true,
    allowTcpForwarding: true,
    gatewayPorts: false,
    challengeResponseAuthentication: false,
    usePam: true,
    printLastLog: true,
    subsystems: [["sftp", "internal-sftp"]],
    acceptedEnvironment: [],
    authorizedKeys: [],
    generateHostKeys: true,
    logLevel: "info",
    extraContent: "",
    autoStart: true,
  },
  validate,
);

function validate(of: Subject, { subsystems }: OpensshConfiguration): void {
  const names = subsystems.map(([name]) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) fail(of, `field "subsystems": ${show(twice)} is there twice`);
}

/** Where the keys that the configuration names are, a file for each user. */
export const authorizedKeysDirectory = "/etc/ssh/authorized_keys.d";

/** The file that sshd reads. */
export function sshdConfig(configuration: OpensshConfiguration): PlainFile {
  const { permitRootLogin } = configuration;
  const yesOrNo = (flag: boolean): string => (flag ? "yes" : "no");
  const rootLogin = typeof permitRootLogin === "boolean" ? yesOrNo(permitRootLogin) : "prohibit-password";
  const text = [
    "# Generated from your system configuration.",
    `Port ${configuration.portNumber}`,
    `PermitRootLogin ${rootLogin}`,
    `PermitEmptyPasswords ${yesOrNo(configuration.allowEmptyPasswords)}`,
    `PasswordAuthentication ${yesOrNo(configuration.passwordAuthentication)}`,
    `PubkeyAuthentication ${yesOrNo(configuration.publicKeyAuthentication)}`,
    `X11Forwarding ${yesOrNo(configuration.x11Forwarding)}`,
    `AllowAgentForwarding ${yesOrNo(configuration.allowAgentForwarding)}`,
    `AllowTcpForwarding ${yesOrNo(configuration.allowTcpForwarding)}`,
    `GatewayPorts ${yesOrNo(configuration.gatewayPorts)}`,
    `PidFile ${configuration.pidFile}`,
    `KbdInteractiveAuthentication ${yesOrNo(configuration.challengeResponseAuthentication)}`,
    `UsePAM ${yesOrNo(configuration.usePam)}`,
    `PrintLastLog ${yesOrNo(configuration.printLastLog)}`,
    `LogLevel ${configuration.logLevel.toUpperCase()}`,
    `AuthorizedKeysFile .ssh/authorized_keys .ssh/authorized_keys2 ${authorizedKeysDirectory}/%u`,
    ...configuration.acceptedEnvironment.map((name) => `AcceptEnv ${name}`),
    ...configuration.subsystems.map(([name, command]) => `Subsystem\t${name}\t${command}`),
  ];
  return plainFile("sshd_config", `${text.join("\n")}\n${configuration.extraContent}\n`);
}
