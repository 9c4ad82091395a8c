// The service of the web server nginx: `nginxServiceType` of Guix (Guix manual, "Web Services").

import { makeKillDestructor } from "../daemon/definition/constructors.js";
import { shepherdAction } from "../daemon/definition/service.js";
import type { RunningValue } from "../daemon/definition/types.js";
import type { UserAccount, UserGroup } from "./accounts/records.js";
import { serviceExtension, serviceType } from "./composition/service-type.js";
import { daemonAccounts } from "./daemon-accounts.js";
import { accountServiceType } from "./essential/account.js";
import {
  type ActivationSnippet,
  activationServiceType,
  directoryStep,
  runStep,
  symlinkStep,
} from "./essential/activation.js";
import { profileServiceType } from "./essential/profile.js";
import { shepherdRootServiceType } from "./essential/shepherd-root.js";
import { fileAppend } from "./files/file-like.js";
import {
  type NginxConfiguration,
  type NginxServer,
  namedFiles,
  nginxConf,
  nginxConfiguration,
  nginxUser,
  temporaryDirectories,
} from "./nginx-config.js";
import { makeForkexecConstructor, shepherdConfigurationAction } from "./shepherd/constructors.js";
import { type ShepherdAction, type ShepherdService, shepherdService } from "./shepherd/service.js";
import { signalMainProcess } from "./signal-main-process.js";

export {
  type NginxConfiguration,
  type NginxLocation,
  type NginxLogLevel,
  type NginxServer,
  type NginxUpstream,
  nginxConfiguration,
  nginxLocation,
  nginxServer,
  nginxUpstream,
} from "./nginx-config.js";

/** Debian's account for web servers, whose home directory is left alone. (Guix has a user `nginx`.) */
export function nginxAccounts(): readonly (UserGroup | UserAccount)[] {
  return daemonAccounts({
    user: nginxUser,
    comment: "www-data",
    homeDirectory: "/var/www",
    createHomeDirectory: false,
  });
}

/** The directories of nginx; and the configuration is tried, so that a mistake in it is told before anything is stopped. */
export function nginxActivation(configuration: NginxConfiguration): readonly ActivationSnippet[] {
  const { nginx, logDirectory, runDirectory } = configuration;
  return [
    {
      name: "nginx",
      steps: [
        directoryStep(logDirectory),
        directoryStep(runDirectory),
        ...temporaryDirectories.map((name) => directoryStep(`${runDirectory}/${name}_temp`)),
        // Where nginx logs until it has read where to.
        directoryStep(`${runDirectory}/logs`),
        // Modules are named as in Debian's own configuration: relative to the directory that nginx was built for.
        symlinkStep(`${runDirectory}/modules`, "/usr/lib/nginx/modules"),
        runStep([
          fileAppend(nginx, "/sbin/nginx"),
          "-c",
          nginxConf(configuration),
          "-p",
          runDirectory,
          "-t",
          "-q",
        ]),
      ],
    },
  ];
}

const signalling = (name: string, documentation: string, signal: NodeJS.Signals): ShepherdAction =>
  shepherdAction({
    name,
    documentation,
    procedure: (running: RunningValue | false) => signalMainProcess("nginx", running, signal),
  });

const reload = signalling(
  "reload",
  "Have nginx read its configuration file again and serve new requests by it: the file is\n" +
    "the same, but certificates and other files that it includes may have changed.",
  "SIGHUP",
);
const reopen = signalling(
  "reopen",
  "Have nginx open its log files again, after they were renamed.",
  "SIGUSR1",
);

/** The service `nginx`, in the foreground: its first process is the service's. */
export function nginxShepherdServices(configuration: NginxConfiguration): readonly ShepherdService[] {
  const { nginx, runDirectory, logDirectory, shepherdRequirement } = configuration;
  const file = nginxConf(configuration);
  return [
    shepherdService({
      provision: ["nginx"],
      requirement: [...new Set(["user-processes", "loopback", ...shepherdRequirement])],
      start: makeForkexecConstructor(
        [fileAppend(nginx, "/sbin/nginx"), "-c", file, "-p", runDirectory, "-g", "daemon off;"],
        { logFile: `${logDirectory}/stderr.log` },
      ),
      // QUIT: requests that are being served are answered, within the grace period.
      stop: makeKillDestructor("SIGQUIT"),
      actions: [shepherdConfigurationAction(file), reload, reopen],
      documentation: "Run the nginx daemon.",
      files: namedFiles(configuration),
    }),
  ];
}

/**
 * Runs nginx. Extensions add sites.
 *
 * @example
 * service(nginxServiceType, nginxConfiguration({
 *   serverBlocks: [nginxServer({ listen: ["80"], serverName: ["www.example.org"], root: "/srv/www" })],
 * }))
 */
export const nginxServiceType = serviceType<NginxConfiguration, readonly NginxServer[]>({
  name: "nginx",
  extensions: [
    serviceExtension(shepherdRootServiceType, nginxShepherdServices),
    serviceExtension(activationServiceType, nginxActivation),
    serviceExtension(accountServiceType, nginxAccounts),
    serviceExtension(profileServiceType, ({ nginx }: NginxConfiguration) => [nginx]),
  ],
  compose: (contributions) => contributions.flat(),
  extend: (configuration, added) =>
    nginxConfiguration({ ...configuration, serverBlocks: [...configuration.serverBlocks, ...added] }),
  defaultValue: nginxConfiguration(),
  description: "Run the nginx web server.",
  valueCheck: nginxConfiguration.check,
});
