// The service of the Guix Data Service, which tells what there is in Guix: `guix-data-service-type` of Guix (Guix manual,
// "Guix Services").

import { shellCommand } from "../../cli/shell-words.js";
import { type Checks, check, fail } from "../../daemon/definition/check.js";
import { makeKillDestructor } from "../../daemon/definition/constructors.js";
import type { UserAccount, UserGroup } from "../accounts/records.js";
import { recordConstructor } from "../composition/record.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { isPort, isWord, lines } from "../configuration-checks.js";
import { daemonAccounts } from "../daemon-accounts.js";
import { accountServiceType } from "../essential/account.js";
import { type ActivationSnippet, activationServiceType, directoryStep } from "../essential/activation.js";
import { profileServiceType } from "../essential/profile.js";
import { shepherdRootServiceType } from "../essential/shepherd-root.js";
import { fileAppend, filePath, type PlainFile, plainFile } from "../files/file-like.js";
import { guile, guixDataService } from "../files/packages.js";
import { type SoftwarePackage, softwarePackageCheck } from "../files/software-package.js";
import { kindOf } from "../secret.js";
import {
  type CommandWord,
  makeForkexecConstructor,
  makeSystemConstructor,
} from "../shepherd/constructors.js";
import { type ShepherdService, shepherdService } from "../shepherd/service.js";
import { guixFields, orFalse } from "./checks.js";
import {
  type GetmailConfiguration,
  type GetmailRetrieverConfiguration,
  getmailConfiguration,
  getmailConfigurationFile,
  getmailDestinationConfiguration,
  getmailOptionsConfiguration,
  getmailRetrieverConfiguration,
  getmailServiceType,
} from "./getmail.js";
import { embedded, guileProgram, schemeFields } from "./scheme.js";

const name = "guix-data-service";
const home = "/var/lib/guix-data-service";
const logDirectory = "/var/log/guix-data-service";
const runDirectory = "/var/run/guix-data-service";
const pidFile = `${runDirectory}/pid`;
const locale = "LC_ALL=en_US.UTF-8";

/**
 * What `guixDataServiceConfiguration` makes. Fields without a remark are Guix's, with the defaults of its manual; `false`
 * stands for nothing.
 */
export interface GuixDataServiceConfiguration {
  /** Whose `bin` has the programs; default `guixDataService`. */
  readonly package: SoftwarePackage;
  /** The user that runs it; default `"guix-data-service"`. */
  readonly user: string;
  /** Its group; default `"guix-data-service"`. */
  readonly group: string;
  /** Where the web server listens; default 8765. */
  readonly port: number;
  /** Where the web server listens; default `"127.0.0.1"`. */
  readonly host: string;
  /** In which mailboxes getmail waits for mail of the list guix-commits; default false. */
  readonly getmailIdleMailboxes: readonly string[] | false;
  /** Whence getmail retrieves that mail, made by `getmailRetrieverConfiguration`; default false: it is not run. */
  readonly commitsGetmailRetrieverConfiguration: GetmailRetrieverConfiguration | false;
  /** More words of the web server's command; default none. */
  readonly extraOptions: readonly string[];
  /** More words of the command that processes jobs; default none. */
  readonly extraProcessJobsOptions: readonly string[];
  /**
   * Later than the manual: the repositories that the data service follows, Scheme source of a datum each, which the
   * data service's own `specify-git-repositories` takes; default false: they are left as they are.
   */
  readonly gitRepositories: readonly string[] | false;
  /** Later than the manual: build servers, likewise, which `specify-build-servers` takes; default false. */
  readonly buildServers: readonly string[] | false;
  /** Ours: the Guile that writes repositories and build servers into the database; default `guile`, Debian's guile-3.0. */
  readonly guile: SoftwarePackage;
  /**
   * Ours: what is run instead of the generated Guile program that writes them, where there is no Guile: a program and its
   * arguments. Default false.
   */
  readonly setupCommand: readonly CommandWord[] | false;
}

const checks: Checks<GuixDataServiceConfiguration> = {
  package: softwarePackageCheck,
  user: guixFields.account,
  group: guixFields.account,
  port: check<number>("a port from 1 to 65535", isPort),
  host: check<string>("a name of a host, or an address", isWord),
  getmailIdleMailboxes: orFalse(lines.lines),
  commitsGetmailRetrieverConfiguration: orFalse(getmailRetrieverConfiguration.check),
  extraOptions: guixFields.options,
  extraProcessJobsOptions: guixFields.options,
  gitRepositories: orFalse(schemeFields.data),
  buildServers: orFalse(schemeFields.data),
  guile: softwarePackageCheck,
  setupCommand: orFalse(guixFields.command),
};

/**
 * The configuration of a data service.
 *
 * @example guixDataServiceConfiguration({ host: "0.0.0.0", extraProcessJobsOptions: ["--max-processes=2"] })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const guixDataServiceConfiguration = recordConstructor<GuixDataServiceConfiguration>(
  "guixDataServiceConfiguration",
  checks,
  {
    package: guixDataService,
    user: "guix-data-service",
    group: "guix-data-service",
    port: 8765,
    host: "127.0.0.1",
    getmailIdleMailboxes: false,
    commitsGetmailRetrieverConfiguration: false,
    extraOptions: [],
    extraProcessJobsOptions: [],
    gitRepositories: false,
    buildServers: false,
    guile,
    setupCommand: false,
  },
  (of, { getmailIdleMailboxes: idle, commitsGetmailRetrieverConfiguration: retriever }) => {
    if (idle !== false && retriever === false)
      fail(of, 'field "getmailIdleMailboxes" needs field "commitsGetmailRetrieverConfiguration"');
  },
);

/** The web server, what processes jobs and, where repositories or build servers are given, what writes these down. */
export function guixDataServiceShepherdServices(
  configuration: GuixDataServiceConfiguration,
): readonly ShepherdService[] {
  return [
    webService(configuration),
    ...(configuration.gitRepositories === false && configuration.buildServers === false
      ? []
      : [setupService(configuration)]),
    processJobsService(configuration),
  ];
}

function webService(configuration: GuixDataServiceConfiguration): ShepherdService {
  const { package: program, user, group, port, host, extraOptions } = configuration;
  return shepherdService({
    provision: [name],
    requirement: ["postgres", "networking"],
    documentation: "Guix Data Service web server",
    start: makeForkexecConstructor(
      [
        fileAppend(program, "/bin/guix-data-service"),
        `--pid-file=${pidFile}`,
        `--port=${port}`,
        `--host=${host}`,
        "--update-database",
        ...extraOptions,
      ],
      {
        user,
        group,
        directory: home,
        pidFile,
        // It brings its database up to date before.
        pidFileTimeout: 60,
        environmentVariables: [locale],
        logFile: `${logDirectory}/web.log`,
      },
    ),
    stop: makeKillDestructor(),
  });
}

function processJobsService(configuration: GuixDataServiceConfiguration): ShepherdService {
  const { package: program, user, group, extraProcessJobsOptions } = configuration;
  return shepherdService({
    provision: [`${name}-process-jobs`],
    requirement: ["postgres", "networking", name],
    documentation: "Guix Data Service process jobs",
    start: makeForkexecConstructor(
      [fileAppend(program, "/bin/guix-data-service-process-jobs"), ...extraProcessJobsOptions],
      {
        user,
        group,
        directory: home,
        environmentVariables: [`HOME=${home}`, "GIT_SSL_CAINFO=/etc/ssl/certs/ca-certificates.crt", locale],
        logFile: `${logDirectory}/process-jobs.log`,
      },
    ),
    stop: makeKillDestructor(),
  });
}

function setupService(configuration: GuixDataServiceConfiguration): ShepherdService {
  const { user, group, setupCommand } = configuration;
  const command = setupCommand === false ? [setupScript(configuration)] : setupCommand;
  const words = command.map((word) => (typeof word === "string" ? word : filePath(word)));
  return shepherdService({
    provision: [`${name}-setup-database`],
    requirement: ["user-processes", "postgres"],
    oneShot: true,
    documentation: "Guix Data Service setup database",
    // Not over before the program is, and failed where the program has.
    start: makeSystemConstructor("exec ", shellCommand(words), {
      user,
      group,
      directory: home,
      environmentVariables: ["LC_ALL=en_US.utf8"],
      logFile: `${logDirectory}/setup-database.log`,
    }),
    respawn: false,
    files: command.filter((word) => typeof word !== "string"),
  });
}

/** A program that makes the database's tables, and writes what is configured into them. */
function setupScript(configuration: GuixDataServiceConfiguration): PlainFile {
  const { package: library, gitRepositories, buildServers } = configuration;
  const data = (items: readonly string[]): string => `'(${items.map(embedded).join("\n    ")})`;
  const body = [
    "(use-modules (guix-data-service database)",
    "             (guix-data-service model git-repository)",
    "             (guix-data-service model build-server))",
    "",
    "(run-sqitch)",
    ...(gitRepositories === false ? [] : [`(specify-git-repositories\n  ${data(gitRepositories)})`]),
    ...(buildServers === false ? [] : [`(specify-build-servers\n  ${data(buildServers)})`]),
    "",
  ].join("\n");
  return plainFile("data-service-setup-database", guileProgram(configuration.guile, [library], body), {
    mode: 0o555,
  });
}

/** Its user and group. */
export function guixDataServiceAccounts({
  user,
  group,
}: GuixDataServiceConfiguration): readonly (UserAccount | UserGroup)[] {
  return daemonAccounts({ user, group, comment: "Guix Data Service user", homeDirectory: home });
}

/** Its directories. In Guix the last one is always that of the user `guix-data-service`, whoever runs the service. */
export function guixDataServiceActivation({
  user,
}: GuixDataServiceConfiguration): readonly ActivationSnippet[] {
  return [
    {
      name,
      steps: [
        directoryStep(home, { mode: 0o755, owner: user }),
        directoryStep(logDirectory),
        directoryStep(runDirectory, { owner: user }),
      ],
    },
  ];
}

/** The getmail that hands commits to the data service; none where neither of its two fields says something. */
export function guixDataServiceGetmail({
  package: program,
  user,
  group,
  ...rest
}: GuixDataServiceConfiguration): readonly GetmailConfiguration[] {
  const { commitsGetmailRetrieverConfiguration: retriever, getmailIdleMailboxes: idle } = rest;
  // Whoever waits for mail says whence it comes: the record was checked.
  if (retriever === false) return [];
  return [
    getmailConfiguration({
      name,
      user,
      group,
      directory: `/var/lib/getmail/${name}`,
      rcfile: getmailConfigurationFile({
        retriever,
        destination: getmailDestinationConfiguration({
          type: "MDA_external",
          path: fileAppend(program, "/bin/guix-data-service-process-branch-updated-email"),
        }),
        options: getmailOptionsConfiguration({ readAll: false, deliveredTo: false, received: false }),
      }),
      idle: idle === false ? [] : idle,
      // They are ours.
      declareAccounts: false,
    }),
  ];
}

/**
 * Runs a Guix Data Service. What it needs of getmail it adds to the system's getmail service.
 *
 * @example service(guixDataServiceType, guixDataServiceConfiguration({ port: 8080 }))
 */
export const guixDataServiceType = serviceType<GuixDataServiceConfiguration>({
  name,
  extensions: [
    serviceExtension(profileServiceType, (value: GuixDataServiceConfiguration) => [value.package]),
    serviceExtension(shepherdRootServiceType, guixDataServiceShepherdServices),
    serviceExtension(activationServiceType, guixDataServiceActivation),
    serviceExtension(accountServiceType, guixDataServiceAccounts),
    serviceExtension(getmailServiceType, guixDataServiceGetmail),
  ],
  defaultValue: guixDataServiceConfiguration(),
  description: "Run an instance of the Guix Data Service, which stores and tells what there is in Guix.",
  valueCheck: { ...guixDataServiceConfiguration.check, describe: kindOf },
});
