// The configuration of getmail as records, and the rc file that getmail reads.

import { type Checks, check } from "../../daemon/definition/check.js";
import { fields, hidden, isCount, listOf } from "../../daemon/definition/fields.js";
import { type Given, recordConstructor } from "../composition/record.js";
import { isLine, isPort, lines } from "../configuration-checks.js";
import { type FileLike, fileLikeCheck, filePath } from "../files/file-like.js";
import { kindOf, Secret, secretCheck, withSecrets } from "../secret.js";
import { guixFields, orFalse } from "./checks.js";

/** What one parameter of the rc file can be. */
export type GetmailValue = string | number | boolean | readonly string[];

/** Further parameters: names, in which `-` counts as `_`, and values. */
export type GetmailParameters = readonly (readonly [name: string, value: GetmailValue])[];

/** Whence mail comes. Made by `getmailRetrieverConfiguration`. */
export interface GetmailRetrieverConfiguration {
  /** Default `"SimpleIMAPSSLRetriever"`. */
  readonly type: string;
  /** The mail server. It must be given. */
  readonly server: string;
  /** It must be given. */
  readonly username: string;
  /** Default false: the protocol's own. */
  readonly port: number | false;
  /** A text becomes a `Secret`, which only the rc file has, and nothing of ours shows. Default: none. */
  readonly password: Secret | false;
  /** A program, and its arguments, that prints the password: an absolute name; default none. */
  readonly passwordCommand: readonly string[];
  /** A file with the client's key; default `""`: none. */
  readonly keyfile: string;
  /** A file with the client's certificate; default `""`: none. */
  readonly certfile: string;
  /** A file with the certificates of those who vouch for servers; default `""`: none. */
  readonly caCerts: string;
  /** Default none; an example is `[["mailboxes", ["INBOX"]]]`. */
  readonly extraParameters: GetmailParameters;
}

/** Where mail goes. Made by `getmailDestinationConfiguration`. */
export interface GetmailDestinationConfiguration {
  /** Such as `"Maildir"`, `"Mboxrd"` or `"MDA_external"`. It must be given. */
  readonly type: string;
  /** A mailbox, or the program that gets each message; default `""`: none. */
  readonly path: FileLike | "";
  /** Default none. */
  readonly extraParameters: GetmailParameters;
}

/** What is done with mail. Made by `getmailOptionsConfiguration`. */
export interface GetmailOptionsConfiguration {
  /** 0 to 3, from silence to much; default 1. */
  readonly verbose: number;
  /** Whether mail that was retrieved before is retrieved again; default true. */
  readonly readAll: boolean;
  /** Whether mail is deleted on the server once it is retrieved; default false. */
  readonly delete: boolean;
  /** After how many days mail is deleted on the server; default 0: never. */
  readonly deleteAfter: number;
  /** Mail with more bytes than this is deleted on the server; default 0: none. */
  readonly deleteBiggerThan: number;
  /** How many bytes are retrieved at a time; default 0: without a limit. */
  readonly maxBytesPerSession: number;
  /** Mail with more bytes than this is not retrieved; default 0: without a limit. */
  readonly maxMessageSize: number;
  /** Whether a Delivered-To field is added to mail; default true. */
  readonly deliveredTo: boolean;
  /** Whether a Received field is added to mail; default true. */
  readonly received: boolean;
  /** A file that tells what was done with each message; default `""`: none. */
  readonly messageLog: string;
  /** Whether the system log is told; default false. */
  readonly messageLogSyslog: boolean;
  /** Whether both are told more; default false. */
  readonly messageLogVerbose: boolean;
  /** Default none. */
  readonly extraParameters: GetmailParameters;
}

/** An rc file. Made by `getmailConfigurationFile`. */
export interface GetmailConfigurationFile {
  readonly retriever: GetmailRetrieverConfiguration;
  readonly destination: GetmailDestinationConfiguration;
  /** Default: `getmailOptionsConfiguration()`. */
  readonly options: GetmailOptionsConfiguration;
}

const isValue = (value: unknown): value is GetmailValue =>
  isLine(value) ||
  typeof value === "boolean" ||
  (typeof value === "number" && Number.isFinite(value)) ||
  (Array.isArray(value) && value.every(isLine));

const isParameterName = (value: unknown): boolean =>
  typeof value === "string" && /^[A-Za-z][A-Za-z0-9_-]*\??$/.test(value);

const parameters = listOf<readonly [string, GetmailValue]>(
  "a list of [name, value], each value a string of one line, a number, true, false or a list of such strings",
  (value) => Array.isArray(value) && value.length === 2 && isParameterName(value[0]) && isValue(value[1]),
);

const fileOrNothing = check<string>(
  'an absolute file name, or "" for none',
  (value) => value === "" || (isLine(value) && value.startsWith("/")),
);

const retrieverChecks: Checks<GetmailRetrieverConfiguration> = {
  type: guixFields.word,
  server: guixFields.word,
  username: guixFields.line,
  port: orFalse(check<number>("a port from 1 to 65535", isPort)),
  password: orFalse(secretCheck),
  passwordCommand: lines.lines,
  keyfile: fileOrNothing,
  certfile: fileOrNothing,
  caCerts: fileOrNothing,
  // There may be keys and tokens among them.
  extraParameters: hidden(parameters),
};

const makeRetriever = recordConstructor<GetmailRetrieverConfiguration, "server" | "username">(
  "getmailRetrieverConfiguration",
  retrieverChecks,
  {
    type: "SimpleIMAPSSLRetriever",
    port: false,
    password: false,
    passwordCommand: [],
    keyfile: "",
    certfile: "",
    caCerts: "",
    extraParameters: [],
  },
);

/** What `getmailRetrieverConfiguration` takes: the password as a text, too; `""` is none. */
export type GetmailRetrieverGiven = Omit<
  Given<GetmailRetrieverConfiguration, "server" | "username">,
  "password"
> & {
  readonly password?: string | Secret | false | undefined;
};

function retriever(given: GetmailRetrieverGiven): Readonly<GetmailRetrieverConfiguration> {
  const own = withSecrets<GetmailRetrieverConfiguration>("getmailRetrieverConfiguration", given, "password");
  const isNone = own.password instanceof Secret && own.password.reveal() === "";
  return makeRetriever(isNone ? { ...own, password: false } : own);
}

/**
 * Whence getmail retrieves mail.
 *
 * @example getmailRetrieverConfiguration({ server: "imap.example.org", username: "commits", passwordCommand: ["/usr/bin/pass", "imap"] })
 * @throws DefinitionError that names the place, the field and what was expected, and never the password
 */
export const getmailRetrieverConfiguration = Object.assign(retriever, {
  isInstance: makeRetriever.isInstance,
  check: { ...makeRetriever.check, describe: kindOf },
});

/**
 * Where getmail delivers mail.
 *
 * @example getmailDestinationConfiguration({ type: "Maildir", path: "/var/mail/commits/" })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const getmailDestinationConfiguration = recordConstructor<GetmailDestinationConfiguration, "type">(
  "getmailDestinationConfiguration",
  {
    type: guixFields.word,
    path: check<FileLike | "">(
      `${fileLikeCheck.expected}, or "" for none`,
      (value) => value === "" || (fileLikeCheck.matches(value) && isLine(filePath(value))),
    ),
    extraParameters: parameters,
  },
  { path: "", extraParameters: [] },
);

const optionsChecks: Checks<GetmailOptionsConfiguration> = {
  verbose: check<number>("a number from 0 to 3", (value) => isCount(value) && value <= 3),
  readAll: fields.flag,
  delete: fields.flag,
  deleteAfter: guixFields.count,
  deleteBiggerThan: guixFields.count,
  maxBytesPerSession: guixFields.count,
  maxMessageSize: guixFields.count,
  deliveredTo: fields.flag,
  received: fields.flag,
  messageLog: fileOrNothing,
  messageLogSyslog: fields.flag,
  messageLogVerbose: fields.flag,
  extraParameters: parameters,
};

/**
 * What getmail does with mail.
 *
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const getmailOptionsConfiguration = recordConstructor<GetmailOptionsConfiguration>(
  "getmailOptionsConfiguration",
  optionsChecks,
  {
    verbose: 1,
    readAll: true,
    delete: false,
    deleteAfter: 0,
    deleteBiggerThan: 0,
    maxBytesPerSession: 0,
    maxMessageSize: 0,
    deliveredTo: true,
    received: true,
    messageLog: "",
    messageLogSyslog: false,
    messageLogVerbose: false,
    extraParameters: [],
  },
);

/**
 * What getmail reads when it starts.
 *
 * @example getmailConfigurationFile({ retriever, destination: getmailDestinationConfiguration({ type: "Maildir", path: "/srv/mail/" }) })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const getmailConfigurationFile = recordConstructor<
  GetmailConfigurationFile,
  "retriever" | "destination"
>(
  "getmailConfigurationFile",
  {
    retriever: getmailRetrieverConfiguration.check,
    destination: getmailDestinationConfiguration.check,
    options: getmailOptionsConfiguration.check,
  },
  { options: getmailOptionsConfiguration() },
);

/** The text of an rc file. It has the password, if there is one. What was not given is left out. */
export function getmailRcText({
  retriever: from,
  destination: to,
  options,
}: GetmailConfigurationFile): string {
  return [
    section("retriever", [
      ["type", from.type],
      ["server", from.server],
      ["username", from.username],
      ...(from.port === false ? [] : [["port", from.port] as const]),
      ["password", from.password === false ? "" : from.password.reveal()],
      ...(from.passwordCommand.length === 0 ? [] : [["password-command", from.passwordCommand] as const]),
      ["keyfile", from.keyfile],
      ["certfile", from.certfile],
      ["ca-certs", from.caCerts],
      ...from.extraParameters,
    ]),
    section("destination", [
      ["type", to.type],
      ["path", to.path === "" ? "" : filePath(to.path)],
      ...to.extraParameters,
    ]),
    section("options", [
      ["verbose", options.verbose],
      ["read-all", options.readAll],
      ["delete", options.delete],
      ["delete-after", options.deleteAfter],
      ["delete-bigger-than", options.deleteBiggerThan],
      ["max-bytes-per-session", options.maxBytesPerSession],
      ["max-message-size", options.maxMessageSize],
      ["delivered-to", options.deliveredTo],
      ["received", options.received],
      ["message-log", options.messageLog],
      ["message-log-syslog", options.messageLogSyslog],
      ["message-log-verbose", options.messageLogVerbose],
      ...options.extraParameters,
    ]),
  ].join("");
}

function section(name: string, entries: GetmailParameters): string {
  const kept = entries.filter(([, value]) => value !== "");
  return [`[${name}]`, ...kept.map(([key, value]) => `${parameterName(key)} = ${valueText(value)}`), ""].join(
    "\n",
  );
}

function parameterName(name: string): string {
  return name.replace(/\?$/, "").replaceAll("-", "_");
}

/** Lists are tuples of Python's, in which a comma ends every item. */
function valueText(value: GetmailValue): string {
  if (typeof value === "string") return value;
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  const items = value.map((item) => `"${item.replace(/[\\"]/g, "\\$&")}", `);
  return `(${items.join("")})`;
}
