// The service that retrieves mail with getmail: `getmail-service-type` of Guix (Guix manual, "Mail Services").

import { type Checks, checkValue, fail } from "../../daemon/definition/check.js";
import { makeKillDestructor } from "../../daemon/definition/constructors.js";
import { fields, isName, listOf } from "../../daemon/definition/fields.js";
import { type UserAccount, type UserGroup, userAccount, userGroup } from "../accounts/records.js";
import { recordConstructor } from "../composition/record.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { lines } from "../configuration-checks.js";
import { nologin } from "../daemon-accounts.js";
import { accountServiceType } from "../essential/account.js";
import {
  type ActivationSnippet,
  activationServiceType,
  directoryStep,
  fileStep,
} from "../essential/activation.js";
import { append, concatenate } from "../essential/lists.js";
import { shepherdRootServiceType } from "../essential/shepherd-root.js";
import { fileAppend } from "../files/file-like.js";
import { getmail } from "../files/packages.js";
import { type SoftwarePackage, softwarePackageCheck } from "../files/software-package.js";
import { kindOf } from "../secret.js";
import { makeForkexecConstructor } from "../shepherd/constructors.js";
import { type ShepherdService, shepherdService } from "../shepherd/service.js";
import { guixFields } from "./checks.js";
import { type GetmailConfigurationFile, getmailConfigurationFile, getmailRcText } from "./getmail-records.js";

export {
  type GetmailConfigurationFile,
  type GetmailDestinationConfiguration,
  type GetmailOptionsConfiguration,
  type GetmailParameters,
  type GetmailRetrieverConfiguration,
  type GetmailRetrieverGiven,
  type GetmailValue,
  getmailConfigurationFile,
  getmailDestinationConfiguration,
  getmailOptionsConfiguration,
  getmailRcText,
  getmailRetrieverConfiguration,
} from "./getmail-records.js";

/** Where rc files are. They may have passwords: each is readable for the user that getmail runs as, and for nobody else. */
const rcDirectory = "/var/lib/shepherd/getmail";

/** One getmail that waits for mail. Made by `getmailConfiguration`. The fields are Guix's, but for the last. */
export interface GetmailConfiguration {
  /** What it is called: its service is `getmail-NAME`; default `"unset"`. */
  readonly name: string;
  /** Whose `bin` has getmail; default `getmail`, Debian's getmail6. */
  readonly package: SoftwarePackage;
  /** The user that runs it; default `"getmail"`. */
  readonly user: string;
  /** Default `"getmail"`. */
  readonly group: string;
  /** Where it remembers what was retrieved; default `"/var/lib/getmail/default"`. */
  readonly directory: string;
  /** What it reads. It must be given. */
  readonly rcfile: GetmailConfigurationFile;
  /** In which mailboxes it waits for new mail; default none: it ends when all mail is retrieved. */
  readonly idle: readonly string[];
  /** Its whole environment, `NAME=VALUE` each; default: empty. */
  readonly environmentVariables: readonly string[];
  /** Ours: whether user and group are made; false where another service makes them. Default true. */
  readonly declareAccounts: boolean;
}

const checks: Checks<GetmailConfiguration> = {
  name: fields.name,
  package: softwarePackageCheck,
  user: guixFields.account,
  group: guixFields.account,
  directory: guixFields.path,
  rcfile: { ...getmailConfigurationFile.check, describe: kindOf },
  idle: lines.lines,
  environmentVariables: guixFields.environment,
  declareAccounts: fields.flag,
};

/**
 * One getmail.
 *
 * @example
 * getmailConfiguration({
 *   name: "commits",
 *   directory: "/var/lib/getmail/commits",
 *   rcfile: getmailConfigurationFile({ retriever, destination }),
 *   idle: ["INBOX"],
 * })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const getmailConfiguration = recordConstructor<GetmailConfiguration, "rcfile">(
  "getmailConfiguration",
  checks,
  {
    name: "unset",
    package: getmail,
    user: "getmail",
    group: "getmail",
    directory: "/var/lib/getmail/default",
    idle: [],
    environmentVariables: [],
    declareAccounts: true,
  },
  (of, { name }) => {
    if (!isName(`getmail-${name}`)) fail(of, 'field "name": too long for the name of a service');
  },
);

const configurations = listOf<GetmailConfiguration>(
  "a list of records made by getmailConfiguration(…)",
  getmailConfiguration.isInstance,
);

/** Throws a DefinitionError unless it is a list of configurations with names of their own. */
function checked(value: readonly GetmailConfiguration[]): readonly GetmailConfiguration[] {
  const of = { what: "service 'getmail'" };
  const hidden = { ...configurations, describe: kindOf };
  const list = checkValue(of, value, hidden, "the value");
  const names = list.map(({ name }) => name);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) fail(of, `two configurations have the name "${twice}"`);
  return list;
}

const rcName = ({ name }: GetmailConfiguration): string => `${rcDirectory}/${name}.rc`;

/** The services `getmail-NAME`. Their logs have time stamps, as every log file here. */
export function getmailShepherdServices(value: readonly GetmailConfiguration[]): readonly ShepherdService[] {
  return checked(value).map((configuration) => {
    const { name, package: program, user, group, directory, idle } = configuration;
    const { path } = configuration.rcfile.destination;
    const rc = rcName(configuration);
    return shepherdService({
      provision: [`getmail-${name}`],
      requirement: ["networking"],
      documentation: "Run getmail.",
      start: makeForkexecConstructor(
        [
          fileAppend(program, "/bin/getmail"),
          `--getmaildir=${directory}`,
          ...idle.map((mailbox) => `--idle=${mailbox}`),
          `--rcfile=${rc}`,
        ],
        {
          user,
          group,
          environmentVariables: configuration.environmentVariables,
          logFile: `/var/log/getmail-${name}`,
          secretFiles: [rc],
        },
      ),
      stop: makeKillDestructor(),
      files: path === "" ? [] : [path],
    });
  });
}

/** The users and groups, each of them once. */
export function getmailAccounts(
  value: readonly GetmailConfiguration[],
): readonly (UserAccount | UserGroup)[] {
  const own = checked(value).filter(({ declareAccounts }) => declareAccounts);
  const groups = [...new Set(own.map(({ group }) => group))];
  const users = own.filter(({ user }, index) => own.findIndex((other) => other.user === user) === index);
  return [
    ...groups.map((name) => userGroup({ name, system: true })),
    ...users.map(({ user, group }) =>
      userAccount({
        name: user,
        group,
        system: true,
        comment: "Getmail user",
        homeDirectory: "/var/empty",
        shell: nologin,
      }),
    ),
  ];
}

/** The directories, and the rc files. */
export function getmailActivation(value: readonly GetmailConfiguration[]): readonly ActivationSnippet[] {
  const list = checked(value);
  if (list.length === 0) return [];
  return [
    {
      name: "getmail",
      steps: [
        directoryStep(rcDirectory),
        ...list.flatMap((one) => [
          directoryStep(one.directory, { owner: one.user, group: one.group }),
          fileStep(rcName(one), getmailRcText(one.rcfile), {
            mode: 0o400,
            owner: one.user,
            group: one.group,
          }),
        ]),
      ],
    },
  ];
}

/**
 * Retrieves mail with getmail, by one service for each configuration. Extensions add configurations.
 *
 * @example service(getmailServiceType, [getmailConfiguration({ name: "commits", rcfile })])
 */
export const getmailServiceType = serviceType<
  readonly GetmailConfiguration[],
  readonly GetmailConfiguration[],
  readonly GetmailConfiguration[]
>({
  name: "getmail",
  extensions: [
    serviceExtension(shepherdRootServiceType, getmailShepherdServices),
    serviceExtension(activationServiceType, getmailActivation),
    serviceExtension(accountServiceType, getmailAccounts),
  ],
  compose: concatenate,
  extend: append,
  defaultValue: [],
  description: "Run getmail, which retrieves mail from servers and delivers it.",
});
