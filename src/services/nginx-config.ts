// The configuration of nginx as records, and the file that nginx reads.

import { type Checks, check, fail, isRecord, show } from "../daemon/definition/check.js";
import { fields, isCount, isText, listOf } from "../daemon/definition/fields.js";
import { recordConstructor } from "./composition/record.js";
import { isLine, isPortText, isWord, lines, oneOf } from "./configuration-checks.js";
import { type FileLike, fileLikeCheck, filePath, type PlainFile, plainFile } from "./files/file-like.js";
import { nginx } from "./files/packages.js";
import { type SoftwarePackage, softwarePackageCheck } from "./files/software-package.js";

/** What is to be done with requests for some part of a server. */
export interface NginxLocation {
  /** What requests begin with, such as `"/git"`, or with a modifier: `"~ \\.php$"`, `"= /"`, `"@fallback"`. */
  readonly uri: string;
  /** Directives, each with its `;`. */
  readonly body: readonly string[];
}

/** A site. */
export interface NginxServer {
  /** Addresses and ports, each with its options, such as `"443 ssl"`; default `["80"]`, since a certificate has no default. */
  readonly listen: readonly string[];
  /** Names that it answers to; default `["default"]`, which stands for every name. */
  readonly serverName: readonly string[];
  /** Where its files are, an absolute name; default /srv/http. */
  readonly root: string;
  /** Default none. */
  readonly locations: readonly NginxLocation[];
  /** What is looked for in a directory that is asked for; default `["index.html"]`. */
  readonly index: readonly string[];
  /** What is tried, in this order, for a request; default nothing but what was asked for. */
  readonly tryFiles: readonly string[];
  /** Default: none, and nothing is said of certificates; needed where `listen` says `ssl`. */
  readonly sslCertificate: FileLike | undefined;
  /** Its key, which only root needs to be able to read; default none. */
  readonly sslCertificateKey: FileLike | undefined;
  /** Whether answers tell nginx's version; default false. */
  readonly serverTokens: boolean;
  /** More directives, each with its `;`; default none. */
  readonly rawContent: readonly string[];
}

/** Servers behind this one, under a name that `proxy_pass` can use. */
export interface NginxUpstream {
  readonly name: string;
  /** At least one, each an address with its options, such as `"127.0.0.1:8080 weight=2"`. */
  readonly servers: readonly string[];
  /** More directives, each with its `;`; default none. */
  readonly extraContent: readonly string[];
}

/** How much is logged of what goes wrong. */
export type NginxLogLevel = (typeof logLevels)[number];
const logLevels = ["debug", "info", "notice", "warn", "error", "crit", "alert", "emerg"] as const;

/** What `nginxServiceType` runs. */
export interface NginxConfiguration {
  /** The package, whose prefix has `sbin/nginx`; default Debian's. */
  readonly nginx: SoftwarePackage;
  /** What else must run before it; default none. */
  readonly shepherdRequirement: readonly string[];
  /** Where its logs are; default /var/log/nginx. */
  readonly logDirectory: string;
  /** Default `"error"`. */
  readonly logLevel: NginxLogLevel;
  /** What it needs while it runs; default /var/run/nginx. Relative names in its configuration are relative to this. */
  readonly runDirectory: string;
  /** Default none. Others add theirs by extending the service. */
  readonly serverBlocks: readonly NginxServer[];
  /** Default none. */
  readonly upstreamBlocks: readonly NginxUpstream[];
  /** In bytes; default nginx's own choice. */
  readonly serverNamesHashBucketSize: number | undefined;
  /** Default nginx's own choice. */
  readonly serverNamesHashBucketMaxSize: number | undefined;
  /** Modules to load, such as `"ngx_http_echo_module.so"`: absolute names, or names in nginx's directory of modules. */
  readonly modules: readonly FileLike[];
  /** Directives outside of `http`, by name; text, or directives for a block. Default `{ events: {} }`. */
  readonly globalDirectives: Readonly<Record<string, string | Readonly<Record<string, string>>>>;
  /** More lines for `http`, each directive with its `;`; default none. */
  readonly extraContent: readonly string[];
  /** A configuration file that takes the place of all the above but `runDirectory`; default none. */
  readonly file: FileLike | undefined;
}

/** Braces and semicolons are what these are made of: only lines may not be added. */
const directives = listOf<string>("a list of lines, such as directives that end with ;", isLine);

/**
 * A location, for `locations` of `nginxServer`.
 *
 * @example nginxLocation({ uri: "/api", body: ["proxy_pass http://127.0.0.1:8765;"] })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const nginxLocation = recordConstructor<NginxLocation, "uri">(
  "nginxLocation",
  {
    uri: check<string>(
      "a string of one line, without braces, semicolons, comments and quotes, or in double quotes",
      isUri,
    ),
    body: directives,
  },
  { body: [] },
);

/**
 * A site, for `serverBlocks` of `nginxConfiguration`.
 *
 * @example nginxServer({ listen: ["80"], serverName: ["www.example.org"], root: "/srv/www" })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const nginxServer = recordConstructor<NginxServer>(
  "nginxServer",
  {
    listen: listOf<string>(
      'a list of at least one address or port from 1 to 65535, such as "443 ssl"',
      isAddress,
      1,
    ),
    serverName: listOf<string>("a list of at least one name, without spaces and quotes", isServerName, 1),
    root: lines.path,
    locations: listOf<NginxLocation>("a list of records made by nginxLocation(…)", nginxLocation.isInstance),
    index: listOf<string>("a list of at least one name of a file, without spaces and quotes", isWord, 1),
    tryFiles: lines.words,
    sslCertificate: lines.file,
    sslCertificateKey: lines.file,
    serverTokens: fields.flag,
    rawContent: directives,
  },
  {
    listen: ["80"],
    serverName: ["default"],
    root: "/srv/http",
    locations: [],
    index: ["index.html"],
    tryFiles: [],
    sslCertificate: undefined,
    sslCertificateKey: undefined,
    serverTokens: false,
    rawContent: [],
  },
  (of, { listen, sslCertificate, sslCertificateKey, rawContent }) => {
    const encrypted = listen.find((one) => one.split(" ").includes("ssl"));
    const missing = sslCertificate === undefined ? "sslCertificate" : "sslCertificateKey";
    const isGiven = sslCertificate !== undefined && sslCertificateKey !== undefined;
    if (encrypted !== undefined && !isGiven && !rawContent.some((line) => line.includes("ssl_certificate")))
      fail(of, `field "${missing}" is missing, which listening at ${show(encrypted)} needs`);
  },
);

/**
 * Servers behind this one, for `upstreamBlocks` of `nginxConfiguration`.
 *
 * @example nginxUpstream({ name: "application", servers: ["127.0.0.1:8080"] })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const nginxUpstream = recordConstructor<NginxUpstream, "name" | "servers">(
  "nginxUpstream",
  {
    name: lines.word,
    servers: listOf<string>(
      "a list of at least one address, with a port from 1 to 65535 or none, and its options",
      isAddress,
      1,
    ),
    extraContent: directives,
  },
  { extraContent: [] },
);

/** With a modifier before it or without, and in quotes or without: it must not end the line that it begins. */
function isUri(value: unknown): boolean {
  if (!isLine(value)) return false;
  const [, plain] = /^(?:(?:=|~|~\*|\^~) )?(?:"(?:[^"\\]|\\.)*"|(.*))$/.exec(value) ?? [];
  return plain === undefined ? value !== "" : /^[^\s{};"'#][^\s{};"']*$/.test(plain) && !plain.endsWith("\\");
}

/** A name may be a regular expression. */
function isServerName(value: unknown): boolean {
  return isLine(value) && /^[^\s"'`;{}#]+$/.test(value) && !value.endsWith("\\");
}

/** An address or a port, and options, with spaces between them. What looks like a port is one. */
function isAddress(value: unknown): boolean {
  if (!isLine(value) || !value.split(" ").every(isWord)) return false;
  const [, port] = /^(?:(?:\[[^\]]*\]|[^:[\]]*):)?(\d+)(?: |$)/.exec(value) ?? [];
  return port === undefined || isPortText(port);
}

const isDirectives = (value: unknown): boolean =>
  isRecord(value) &&
  Object.entries(value).every(([name, text]) => isWord(name) && isText(text) && /^[^\n\r{};]*$/.test(text));

const checks: Checks<NginxConfiguration> = {
  nginx: softwarePackageCheck,
  shepherdRequirement: fields.names,
  logDirectory: lines.path,
  logLevel: oneOf(logLevels),
  runDirectory: lines.path,
  serverBlocks: listOf<NginxServer>("a list of records made by nginxServer(…)", nginxServer.isInstance),
  upstreamBlocks: listOf<NginxUpstream>(
    "a list of records made by nginxUpstream(…)",
    nginxUpstream.isInstance,
  ),
  serverNamesHashBucketSize: check<number>("a number from 1 on", (value) => isCount(value) && value > 0),
  serverNamesHashBucketMaxSize: check<number>("a number from 1 on", (value) => isCount(value) && value > 0),
  modules: listOf<FileLike>(
    "a list of modules, each a file whose name has no spaces and quotes",
    (value) => isWord(value) || lines.file.matches(value),
  ),
  globalDirectives: check<NginxConfiguration["globalDirectives"]>(
    "a record of directives, each text without ; or a record of such text",
    (value) =>
      isRecord(value) &&
      Object.entries(value).every(
        ([name, content]) => isWord(name) && (isDirectives({ name: content }) || isDirectives(content)),
      ),
  ),
  extraContent: directives,
  file: fileLikeCheck,
};

/**
 * The configuration of nginx.
 *
 * @example nginxConfiguration({ serverBlocks: [nginxServer({ listen: ["80"], root: "/srv/www" })] })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const nginxConfiguration = recordConstructor<NginxConfiguration>("nginxConfiguration", checks, {
  nginx,
  shepherdRequirement: [],
  logDirectory: "/var/log/nginx",
  logLevel: "error",
  runDirectory: "/var/run/nginx",
  serverBlocks: [],
  upstreamBlocks: [],
  serverNamesHashBucketSize: undefined,
  serverNamesHashBucketMaxSize: undefined,
  modules: [],
  globalDirectives: { events: {} },
  extraContent: [],
  file: undefined,
});

/** The user and group of the processes that serve; the one with root's privileges only begins. */
export const nginxUser = "www-data";

/** What nginx keeps for a while below its run directory. */
export const temporaryDirectories = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] as const;

/** The file that nginx reads: the user's own, or one that is generated. */
export function nginxConf(configuration: NginxConfiguration): FileLike {
  return configuration.file ?? generated(configuration);
}

/** The files that the configuration names, and that have to be in place. */
export function namedFiles({ serverBlocks, modules, file }: NginxConfiguration): readonly FileLike[] {
  if (file !== undefined) return [file];
  const certificates = serverBlocks.flatMap(({ sslCertificate, sslCertificateKey }) => [
    sslCertificate,
    sslCertificateKey,
  ]);
  return [...modules, ...certificates].filter((one) => one !== undefined && typeof one !== "string");
}

const indented = (text: readonly string[]): readonly string[] => text.map((line) => `    ${line}`);
const block = (head: string, body: readonly string[]): readonly string[] => [
  `${head} {`,
  ...indented(body),
  "}",
];
const directive = (name: string, value: string | number | undefined): readonly string[] =>
  value === undefined || value === "" ? [] : [`${name} ${value};`];

function generated(configuration: NginxConfiguration): PlainFile {
  const { logDirectory, logLevel, runDirectory, modules, globalDirectives } = configuration;
  const text = [
    `user ${nginxUser} ${nginxUser};`,
    `pid ${runDirectory}/pid;`,
    `error_log ${logDirectory}/error.log ${logLevel};`,
    ...modules.map((one) => `load_module ${modulePath(one)};`),
    ...Object.entries(globalDirectives).flatMap(([name, content]) =>
      typeof content === "string"
        ? directive(name, content)
        : block(
            name,
            Object.entries(content).flatMap(([inner, value]) => directive(inner, value)),
          ),
    ),
    ...block("http", http(configuration)),
  ];
  return plainFile("nginx.conf", `${text.join("\n")}\n`);
}

/** The run directory has a link to the directory of modules. */
function modulePath(module: FileLike): string {
  const path = filePath(module);
  return path.startsWith("/") ? path : `modules/${path}`;
}

function http(configuration: NginxConfiguration): readonly string[] {
  const { logDirectory, runDirectory, upstreamBlocks, serverBlocks, extraContent } = configuration;
  return [
    ...temporaryDirectories.map((name) => `${name}_temp_path ${runDirectory}/${name}_temp;`),
    `access_log ${logDirectory}/access.log;`,
    "include /etc/nginx/mime.types;",
    ...directive("server_names_hash_bucket_size", configuration.serverNamesHashBucketSize),
    ...directive("server_names_hash_max_size", configuration.serverNamesHashBucketMaxSize),
    ...upstreamBlocks.flatMap(({ name, servers, extraContent: more }) =>
      block(`upstream ${name}`, [...servers.map((one) => `server ${one};`), ...more]),
    ),
    ...serverBlocks.flatMap((server) => block("server", serverLines(server))),
    ...extraContent,
  ];
}

function serverLines(server: NginxServer): readonly string[] {
  const { listen, serverName, root, index, tryFiles, locations, sslCertificate, sslCertificateKey } = server;
  return [
    ...listen.map((one) => `listen ${one};`),
    `server_name ${serverName.map((name) => (name === "default" ? "_" : name)).join(" ")};`,
    ...directive("ssl_certificate", sslCertificate === undefined ? undefined : filePath(sslCertificate)),
    ...directive(
      "ssl_certificate_key",
      sslCertificateKey === undefined ? undefined : filePath(sslCertificateKey),
    ),
    `root ${root};`,
    `index ${index.join(" ")};`,
    ...directive("try_files", tryFiles.join(" ")),
    `server_tokens ${server.serverTokens ? "on" : "off"};`,
    ...locations.flatMap(({ uri, body }) => block(`location ${uri}`, body)),
    ...server.rawContent,
  ];
}
