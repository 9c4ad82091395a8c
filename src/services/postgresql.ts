// The service of the PostgreSQL database server: `postgresqlServiceType` of Guix (Guix manual, "Database Services").

import { type Checks, check } from "../daemon/definition/check.js";
import { makeKillDestructor } from "../daemon/definition/constructors.js";
import { fields, isCount } from "../daemon/definition/fields.js";
import { commandSucceeds } from "../daemon/readiness/options.js";
import type { UserAccount, UserGroup } from "./accounts/records.js";
import { recordConstructor } from "./composition/record.js";
import { serviceExtension, serviceType } from "./composition/service-type.js";
import { isPlainPath, lines } from "./configuration-checks.js";
import { daemonAccounts } from "./daemon-accounts.js";
import { accountServiceType } from "./essential/account.js";
import {
  type ActivationSnippet,
  activationServiceType,
  directoryStep,
  runStep,
} from "./essential/activation.js";
import { packageList, profileServiceType } from "./essential/profile.js";
import { shepherdRootServiceType } from "./essential/shepherd-root.js";
import { type FileLike, fileAppend, fileLikeCheck, filePath, plainFile } from "./files/file-like.js";
import { postgresql } from "./files/packages.js";
import { type SoftwarePackage, softwarePackageCheck } from "./files/software-package.js";
import {
  type PostgresqlConfigFile,
  postgresqlConf,
  postgresqlConfigFile,
  referredFiles,
} from "./postgresql-config-file.js";
import { makeForkexecConstructor, shepherdConfigurationAction } from "./shepherd/constructors.js";
import { type ShepherdService, shepherdService } from "./shepherd/service.js";

export {
  type PostgresqlConfigFile,
  type PostgresqlSetting,
  postgresqlConfigFile,
} from "./postgresql-config-file.js";

/** What `postgresqlServiceType` runs. */
export interface PostgresqlConfiguration {
  /** The package, whose prefix has `bin/postgres`, `bin/initdb` and so on; default Debian's. */
  readonly postgresql: SoftwarePackage;
  /** Default 5432. */
  readonly port: number;
  /** The locale of a cluster that is made; default `"C.UTF-8"`, which every Debian has. (Guix's is en_US.utf8.) */
  readonly locale: string;
  /** What it reads: a record made by `postgresqlConfigFile`, or a file of one's own; default the record's defaults. */
  readonly configFile: PostgresqlConfigFile | FileLike;
  /** Where what it says on standard error goes, in `postgresql.log`; default /var/log/postgresql. `false`: our own log. */
  readonly logDirectory: string | false;
  /**
   * The database cluster, an absolute name; default /var/lib/postgresql/data. It is made at the first activation, and never
   * touched where there is one.
   */
  readonly dataDirectory: string;
  /** Packages with extensions, for the profile; default none. Debian's put them where this server looks. */
  readonly extensionPackages: readonly SoftwarePackage[];
  /** Whether the user and the group `postgres` are made; default true. */
  readonly createAccount: boolean;
  /** The user's number; default: the one it has, or the next that is free. */
  readonly uid: number | undefined;
  /** The group's number; default: the one it has, or the next that is free. */
  readonly gid: number | undefined;
}

const checks: Checks<PostgresqlConfiguration> = {
  postgresql: softwarePackageCheck,
  port: lines.port,
  locale: lines.word,
  configFile: check<PostgresqlConfigFile | FileLike>(
    `a record made by postgresqlConfigFile(…), or ${fileLikeCheck.expected}`,
    (value) => postgresqlConfigFile.isInstance(value) || fileLikeCheck.matches(value),
  ),
  logDirectory: check<string | false>(
    `${lines.path.expected}, or false`,
    (value) => value === false || isPlainPath(value),
  ),
  dataDirectory: lines.path,
  extensionPackages: packageList,
  createAccount: fields.flag,
  uid: check<number>("a number of a user", isCount),
  gid: check<number>("a number of a group", isCount),
};

/**
 * The configuration of PostgreSQL.
 *
 * @example postgresqlConfiguration({ port: 5433, configFile: postgresqlConfigFile({ extraConfig: { work_mem: "500 MB" } }) })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const postgresqlConfiguration = recordConstructor<PostgresqlConfiguration>(
  "postgresqlConfiguration",
  checks,
  {
    postgresql,
    port: 5432,
    locale: "C.UTF-8",
    configFile: postgresqlConfigFile(),
    logDirectory: "/var/log/postgresql",
    dataDirectory: "/var/lib/postgresql/data",
    extensionPackages: [],
    createAccount: true,
    uid: undefined,
    gid: undefined,
  },
);

/** Whose the server and all its files are. */
export const postgresUser = "postgres";

/** As Debian's package makes it, which is adopted where it is installed. */
export function postgresqlAccounts({
  createAccount,
  uid,
  gid,
}: PostgresqlConfiguration): readonly (UserGroup | UserAccount)[] {
  if (!createAccount) return [];
  return daemonAccounts({
    user: postgresUser,
    comment: "PostgreSQL administrator",
    homeDirectory: "/var/lib/postgresql",
    shell: "/bin/bash",
    uid,
    gid,
  });
}

/**
 * Makes a cluster in the directory $1 by the command that follows. A cluster that initdb was interrupted at looks like one
 * that is complete, so it is made in a directory of its own, and PG_VERSION, by which it is recognised, is moved last. The
 * mark tells what an interrupted run has left from what somebody else has put there.
 */
const initialiseCluster = plainFile(
  "initialise-cluster",
  `set -eu
data=$1
shift
cd "$data"
if [ -e .initialising ]; then
  find . -mindepth 1 -maxdepth 1 ! -name .initialising -exec rm -rf {} +
elif [ -n "$(ls -A)" ]; then
  echo "$data: neither empty nor a database cluster" >&2
  exit 1
fi
: >.initialising
"$@" -D "$data/.cluster"
for entry in .cluster/*; do
  [ "$entry" = .cluster/PG_VERSION ] || mv "$entry" .
done
sync .
mv .cluster/PG_VERSION .
rmdir .cluster
rm .initialising
`,
);

/** The server's directories, and the cluster where there is none. */
export function postgresqlActivation(configuration: PostgresqlConfiguration): readonly ActivationSnippet[] {
  const { postgresql: server, dataDirectory, logDirectory, locale, configFile } = configuration;
  const own = { owner: postgresUser, group: postgresUser } as const;
  const sockets = postgresqlConfigFile.isInstance(configFile) ? configFile.socketDirectory : false;
  return [
    {
      name: "postgresql",
      steps: [
        directoryStep(dataDirectory, { mode: 0o700, ...own }),
        ...(sockets === false ? [] : [directoryStep(sockets, { mode: 0o755, ...own })]),
        ...(logDirectory === false ? [] : [directoryStep(logDirectory, own)]),
        runStep(
          [
            "/bin/sh",
            initialiseCluster,
            dataDirectory,
            fileAppend(server, "/bin/initdb"),
            `--locale=${locale}`,
            "--encoding=UTF8",
            "--auth-local=peer",
            "--auth-host=scram-sha-256",
          ],
          { unless: `${dataDirectory}/PG_VERSION`, user: postgresUser, group: postgresUser, timeout: 600 },
        ),
      ],
    },
  ];
}

/** The service `postgres`, also `postgresql`. It has started when it answers, after what recovery there is. */
export function postgresqlShepherdServices(
  configuration: PostgresqlConfiguration,
): readonly ShepherdService[] {
  const { postgresql: server, port, configFile, dataDirectory, logDirectory } = configuration;
  const isRecord = postgresqlConfigFile.isInstance(configFile);
  const file = isRecord ? postgresqlConf(configFile) : configFile;
  const host = isRecord && configFile.socketDirectory !== false ? ["-h", configFile.socketDirectory] : [];
  return [
    shepherdService({
      provision: ["postgres", "postgresql"],
      requirement: ["user-processes", "loopback", "syslogd"],
      start: makeForkexecConstructor(
        [
          fileAppend(server, "/bin/postgres"),
          "-D",
          dataDirectory,
          `--config-file=${filePath(file)}`,
          "-p",
          String(port),
        ],
        {
          user: postgresUser,
          group: postgresUser,
          ...(logDirectory === false ? {} : { logFile: `${logDirectory}/postgresql.log` }),
          readiness: commandSucceeds([
            filePath(fileAppend(server, "/bin/pg_isready")),
            "-q",
            ...host,
            "-p",
            String(port),
          ]),
          // Recovery after a crash takes as long as there is to be recovered.
          readinessTimeout: 600,
        },
      ),
      // The fast shutdown: clients are disconnected, and all data is written. TERM would wait for clients to leave.
      stop: makeKillDestructor("SIGINT", { gracePeriod: 60 }),
      actions: [shepherdConfigurationAction(file)],
      documentation: "Run the PostgreSQL daemon.",
      files: [file, ...(isRecord ? referredFiles(configFile) : [])],
    }),
  ];
}

/**
 * Runs PostgreSQL as the user `postgres`, with a database cluster that is made at the first activation.
 *
 * @example service(postgresqlServiceType)
 */
export const postgresqlServiceType = serviceType<PostgresqlConfiguration>({
  name: "postgresql",
  extensions: [
    serviceExtension(shepherdRootServiceType, postgresqlShepherdServices),
    serviceExtension(activationServiceType, postgresqlActivation),
    serviceExtension(accountServiceType, postgresqlAccounts),
    serviceExtension(
      profileServiceType,
      ({ postgresql: server, extensionPackages }: PostgresqlConfiguration) => [server, ...extensionPackages],
    ),
  ],
  defaultValue: postgresqlConfiguration(),
  description: "Run the PostgreSQL database server.",
  valueCheck: postgresqlConfiguration.check,
});
