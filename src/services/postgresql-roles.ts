// Roles and databases of PostgreSQL, made where they are missing: `postgresqlRoleServiceType` of Guix.

import { shellCommand, shellWord } from "../cli/shell-words.js";
import { type Checks, check } from "../daemon/definition/check.js";
import { fields, listOf } from "../daemon/definition/fields.js";
import { recordConstructor } from "./composition/record.js";
import { serviceExtension, serviceType } from "./composition/service-type.js";
import { isLine, isWord, lines, oneOf } from "./configuration-checks.js";
import { shepherdRootServiceType } from "./essential/shepherd-root.js";
import { fileAppend, filePath, type PlainFile, plainFile } from "./files/file-like.js";
import { postgresql } from "./files/packages.js";
import { type SoftwarePackage, softwarePackageCheck } from "./files/software-package.js";
import { postgresUser } from "./postgresql.js";
import { makeSystemConstructor } from "./shepherd/constructors.js";
import { type ShepherdService, shepherdService } from "./shepherd/service.js";

const permissions = ["bypassrls", "createdb", "createrole", "login", "replication", "superuser"] as const;

/** What a role may do. */
export type PostgresqlPermission = (typeof permissions)[number];

/** A role: a user of the database. */
export interface PostgresqlRole {
  readonly name: string;
  /** Of a role that is made; default `["createdb", "login"]`. */
  readonly permissions: readonly PostgresqlPermission[];
  /** Whether there is to be a database of the same name that the role owns; default false. */
  readonly createDatabase: boolean;
  /**
   * The absolute name of a file, on the running system, with the role's password; default: it has none. The user `postgres`
   * must be able to read it, and nobody besides its owner and group may. It is read whenever roles are made.
   */
  readonly passwordFile: string | undefined;
  /** Of a database that is made; default: that of the template. */
  readonly encoding: string | undefined;
  /** Of a database that is made; default: that of the template. */
  readonly collation: string | undefined;
  /** Of a database that is made; default: that of the template. */
  readonly ctype: string | undefined;
  /** What a database that is made is a copy of; default `"template1"`. */
  readonly template: string;
}

/** What `postgresqlRoleServiceType` makes. */
export interface PostgresqlRoleConfiguration {
  /** Where the server listens: the directory of its socket, or a host; default /var/run/postgresql. */
  readonly host: string;
  /** Default 5432. */
  readonly port: number;
  /** Where what is done is logged; default /var/log/postgresql_roles.log. */
  readonly log: string;
  /** Default none. Others add theirs by extending the service. */
  readonly roles: readonly PostgresqlRole[];
  /** The package with `bin/psql`; default Debian's. */
  readonly postgresql: SoftwarePackage;
}

/** The server cuts longer ones, silently. */
const identifier = check<string>(
  "a name of 1 to 63 bytes, without control characters",
  (value) => isLine(value) && value !== "" && Buffer.byteLength(value) <= 63,
);

const roleChecks: Checks<PostgresqlRole> = {
  name: identifier,
  permissions: listOf<PostgresqlPermission>(
    `a list of ${permissions.map((one) => `"${one}"`).join(", ")}`,
    oneOf(permissions).matches,
  ),
  createDatabase: fields.flag,
  passwordFile: lines.path,
  encoding: lines.word,
  collation: lines.word,
  ctype: lines.word,
  template: identifier,
};

/**
 * A role of PostgreSQL.
 *
 * @example postgresqlRole({ name: "guix-data-service", createDatabase: true })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const postgresqlRole = recordConstructor<PostgresqlRole, "name">("postgresqlRole", roleChecks, {
  permissions: ["createdb", "login"],
  createDatabase: false,
  passwordFile: undefined,
  encoding: undefined,
  collation: undefined,
  ctype: undefined,
  template: "template1",
});

/**
 * The roles that are to be there.
 *
 * @example postgresqlRoleConfiguration({ roles: [postgresqlRole({ name: "alice" })] })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const postgresqlRoleConfiguration = recordConstructor<PostgresqlRoleConfiguration>(
  "postgresqlRoleConfiguration",
  {
    host: check<string>("the name of a host or a directory, without spaces and quotes", isWord),
    port: lines.port,
    log: lines.path,
    roles: listOf<PostgresqlRole>("a list of records made by postgresqlRole(…)", postgresqlRole.isInstance),
    postgresql: softwarePackageCheck,
  },
  { host: "/var/run/postgresql", port: 5432, log: "/var/log/postgresql_roles.log", roles: [], postgresql },
);

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const quoted = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** What psql is to do. What is there already is left as it is, except for passwords. */
export function roleQueries(roles: readonly PostgresqlRole[]): PlainFile {
  return plainFile("roles.sql", roles.map(queriesOf).join("\n"));
}

function queriesOf(role: PostgresqlRole): string {
  const { name } = role;
  return [
    ...unlessFound(
      `pg_catalog.pg_roles WHERE rolname = ${literal(name)}`,
      `CREATE ROLE ${quoted(name)}${withPermissions(role)};`,
    ),
    ...passwordLines(role),
    ...(role.createDatabase
      ? unlessFound(`pg_catalog.pg_database WHERE datname = ${literal(name)}`, createDatabase(role))
      : []),
    "",
  ].join("\n");
}

function unlessFound(where: string, statement: string): readonly string[] {
  return [
    `SELECT NOT EXISTS (SELECT FROM ${where}) AS missing \\gset`,
    "\\if :missing",
    statement,
    "\\endif",
  ];
}

function withPermissions({ permissions: granted }: PostgresqlRole): string {
  return granted.length === 0 ? "" : ` WITH ${granted.map((one) => one.toUpperCase()).join(" ")}`;
}

/** Neither the echo of the script nor, where the statement fails, the server's log has the password. */
function passwordLines({ name, passwordFile }: PostgresqlRole): readonly string[] {
  if (passwordFile === undefined) return [];
  return [
    "SET log_min_error_statement TO panic;",
    "SET log_statement TO none;",
    "SET log_min_duration_statement TO -1;",
    `\\set password \`cat '${passwordFile}'\``,
    `ALTER ROLE ${quoted(name)} WITH PASSWORD :'password';`,
    "\\unset password",
  ];
}

function createDatabase({ name, encoding, collation, ctype, template }: PostgresqlRole): string {
  const options = [
    `OWNER ${quoted(name)}`,
    `TEMPLATE ${quoted(template)}`,
    ...(encoding === undefined ? [] : [`ENCODING ${literal(encoding)}`]),
    ...(collation === undefined ? [] : [`LC_COLLATE ${literal(collation)}`]),
    ...(ctype === undefined ? [] : [`LC_CTYPE ${literal(ctype)}`]),
  ];
  return `CREATE DATABASE ${quoted(name)} WITH ${options.join(" ")};`;
}

/** The service `postgres-roles`, a one-shot that is over when every role is there. */
export function postgresqlRoleShepherdServices(
  configuration: PostgresqlRoleConfiguration,
): readonly ShepherdService[] {
  const { host, port, log, roles, postgresql: server } = configuration;
  const queries = roleQueries(roles);
  const passwords = roles.flatMap(({ passwordFile }) => (passwordFile === undefined ? [] : [passwordFile]));
  return [
    shepherdService({
      provision: ["postgres-roles"],
      requirement: ["user-processes", "postgres"],
      oneShot: true,
      start: makeSystemConstructor(
        [
          ...passwords.map(refuseUnlessSecret),
          `exec ${shellCommand([
            filePath(fileAppend(server, "/bin/psql")),
            "--no-psqlrc",
            "--echo-all",
            "--set=ON_ERROR_STOP=1",
            `--host=${host}`,
            `--port=${port}`,
            "--dbname=postgres",
            `--file=${filePath(queries)}`,
          ])}`,
        ].join("\n"),
        { user: postgresUser, group: postgresUser, logFile: log },
      ),
      documentation: "Create PostgreSQL roles.",
      files: [queries],
    }),
  ];
}

/** psql itself would take an empty password for one that cannot be read. */
function refuseUnlessSecret(passwordFile: string): string {
  const file = shellWord(passwordFile);
  return [
    `if ! [ -r ${file} -a -s ${file} ]; then echo ${file}': expected a file with a password that postgres can read' >&2; exit 1; fi`,
    `if [ -n "$(find -H ${file} -perm /o=rwx)" ]; then echo ${file}': everybody may read or change this password' >&2; exit 1; fi`,
  ].join("\n");
}

/**
 * Makes roles, and databases, that are missing after PostgreSQL has started. Extensions add roles.
 *
 * @example simpleService("blog-role", postgresqlRoleServiceType, [postgresqlRole({ name: "blog", createDatabase: true })])
 */
export const postgresqlRoleServiceType = serviceType<PostgresqlRoleConfiguration, readonly PostgresqlRole[]>({
  name: "postgresql-role",
  extensions: [serviceExtension(shepherdRootServiceType, postgresqlRoleShepherdServices)],
  compose: (contributions) => contributions.flat(),
  extend: (configuration, added) =>
    postgresqlRoleConfiguration({ ...configuration, roles: [...configuration.roles, ...added] }),
  defaultValue: postgresqlRoleConfiguration(),
  description: "Ensure that roles and databases are there once the PostgreSQL server runs.",
  valueCheck: postgresqlRoleConfiguration.check,
});
