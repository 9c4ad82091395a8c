// What PostgreSQL reads, as a record: `postgresql.conf` with the two files that it refers to.

import { check, isRecord } from "../daemon/definition/check.js";
import { recordConstructor } from "./composition/record.js";
import { isLine, isPlainPath, lines } from "./configuration-checks.js";
import { type FileLike, fileLikeCheck, filePath, type PlainFile, plainFile } from "./files/file-like.js";

/** `true` and `false` become `on` and `off`; strings are quoted. */
export type PostgresqlSetting = string | number | boolean;

/** What becomes `postgresql.conf`. */
export interface PostgresqlConfigFile {
  /** As `log_destination`; default `"syslog"`. */
  readonly logDestination: string;
  /** Who may connect, and how they prove who they are; default: users of the system as themselves, and passwords. */
  readonly hbaFile: FileLike;
  /** Which users of the system may be which of the database; default none but themselves. */
  readonly identFile: FileLike;
  /** Where the Unix socket is; default /var/run/postgresql. `false`: where the server was built for. */
  readonly socketDirectory: string | false;
  /** More settings, such as `{ work_mem: "500 MB", logging_collector: true }`; default none. They win over those above. */
  readonly extraConfig: Readonly<Record<string, PostgresqlSetting>>;
}

const defaultHba = plainFile(
  "pg_hba.conf",
  `local\tall\tall\t\t\tpeer
host\tall\tall\t127.0.0.1/32\tmd5
host\tall\tall\t::1/128\tmd5
`,
);

const defaultIdent = plainFile("pg_ident.conf", "# MAPNAME\tSYSTEM-USERNAME\tPG-USERNAME\n");

const isSetting = (value: unknown): boolean =>
  typeof value === "boolean" || Number.isFinite(value) || isLine(value);

/**
 * What PostgreSQL reads, for `configFile` of `postgresqlConfiguration`.
 *
 * @example postgresqlConfigFile({ logDestination: "stderr", extraConfig: { shared_buffers: "1GB" } })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const postgresqlConfigFile = recordConstructor<PostgresqlConfigFile>(
  "postgresqlConfigFile",
  {
    logDestination: lines.line,
    hbaFile: fileLikeCheck,
    identFile: fileLikeCheck,
    socketDirectory: check<string | false>(
      `${lines.path.expected}, or false`,
      (value) => value === false || isPlainPath(value),
    ),
    extraConfig: check<Readonly<Record<string, PostgresqlSetting>>>(
      "a record of settings by their names, each true, false, a number or a string of one line",
      (value) =>
        isRecord(value) &&
        Object.entries(value).every(
          ([name, setting]) => /^[A-Za-z_][\w.]*$/.test(name) && isSetting(setting),
        ),
    ),
  },
  {
    logDestination: "syslog",
    hbaFile: defaultHba,
    identFile: defaultIdent,
    socketDirectory: "/var/run/postgresql",
    extraConfig: {},
  },
);

/** The files that the configuration names, and that have to be in place. */
export function referredFiles({ hbaFile, identFile }: PostgresqlConfigFile): readonly FileLike[] {
  return [hbaFile, identFile];
}

/** The file that the server reads. */
export function postgresqlConf(configuration: PostgresqlConfigFile): PlainFile {
  const { logDestination, hbaFile, identFile, socketDirectory, extraConfig } = configuration;
  const settings: readonly (readonly [string, PostgresqlSetting])[] = [
    ["log_destination", logDestination],
    ["hba_file", filePath(hbaFile)],
    ["ident_file", filePath(identFile)],
    ...(socketDirectory === false ? [] : [["unix_socket_directories", socketDirectory] as const]),
    ...Object.entries(extraConfig),
  ];
  return plainFile(
    "postgresql.conf",
    settings.map(([name, value]) => `${name} = ${settingText(value)}\n`).join(""),
  );
}

function settingText(value: PostgresqlSetting): string {
  if (typeof value === "boolean") return value ? "on" : "off";
  // A backslash begins an escape in the server's own reader.
  return typeof value === "number"
    ? String(value)
    : `'${value.replaceAll("\\", "\\\\").replaceAll("'", "''")}'`;
}
