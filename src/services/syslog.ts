// The service of a system logger of its own program, syslogd of GNU inetutils: `syslogServiceType` of Guix (Guix manual,
// "Base Services"). `systemLogServiceType` has the supervisor do it instead; a system has one of the two.

import type { Checks } from "../daemon/definition/check.js";
import { makeKillDestructor } from "../daemon/definition/constructors.js";
import { recordConstructor } from "./composition/record.js";
import { serviceExtension, serviceType } from "./composition/service-type.js";
import { type ActivationSnippet, activationServiceType, directoryStep } from "./essential/activation.js";
import { shepherdRootServiceType } from "./essential/shepherd-root.js";
import { type FileLike, fileAppend, fileLikeCheck, plainFile } from "./files/file-like.js";
import { inetutils } from "./files/packages.js";
import { makeForkexecConstructor, shepherdConfigurationAction } from "./shepherd/constructors.js";
import { type ShepherdService, shepherdService } from "./shepherd/service.js";

/** What is logged where unless something else is said: to syslogd, as `configFile` of `syslogConfiguration`. */
export const defaultSyslogConf = plainFile(
  "syslog.conf",
  `# Everything is kept, and emergencies are told on the console too.
*.emerg\t/dev/console
auth,authpriv.*\t/var/log/secure
mail.*\t/var/log/maillog
*.=debug\t/var/log/debug
*.info;mail.none;auth,authpriv.none\t/var/log/messages
`,
);

/** What `syslogServiceType` runs. */
export interface SyslogConfiguration {
  /** The program; default that of Debian's inetutils-syslogd. */
  readonly syslogd: FileLike;
  /** What is logged where, as syslog.conf(5) has it; default `defaultSyslogConf`. */
  readonly configFile: FileLike;
}

const checks: Checks<SyslogConfiguration> = {
  syslogd: fileLikeCheck,
  configFile: fileLikeCheck,
};

/**
 * The configuration of syslogd.
 *
 * @example syslogConfiguration({ configFile: plainFile("syslog.conf", "*.* /var/log/messages\n") })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const syslogConfiguration = recordConstructor<SyslogConfiguration>("syslogConfiguration", checks, {
  syslogd: fileAppend(inetutils, "/sbin/syslogd"),
  configFile: defaultSyslogConf,
});

/** Where the logs are. */
export function syslogActivation(): readonly ActivationSnippet[] {
  return [{ name: "syslog", steps: [directoryStep("/var/log")] }];
}

/** The service `syslogd`, which goes to the background: what names it is its pid file. */
export function syslogShepherdServices(configuration: SyslogConfiguration): readonly ShepherdService[] {
  const { syslogd, configFile } = configuration;
  return [
    shepherdService({
      documentation: "Run the syslog daemon (syslogd).",
      provision: ["syslogd"],
      requirement: ["user-processes"],
      start: makeForkexecConstructor([syslogd, "--rcfile", configFile], {
        // Where it says which process it is.
        pidFile: "/var/run/syslog.pid",
      }),
      stop: makeKillDestructor(),
      actions: [shepherdConfigurationAction(configFile)],
    }),
  ];
}

/**
 * Runs syslogd of GNU inetutils.
 *
 * @example service(syslogServiceType, syslogConfiguration({ configFile: localFile("syslog.conf") }))
 */
export const syslogServiceType = serviceType<SyslogConfiguration>({
  name: "syslog",
  extensions: [
    serviceExtension(shepherdRootServiceType, syslogShepherdServices),
    serviceExtension(activationServiceType, syslogActivation),
  ],
  defaultValue: syslogConfiguration(),
  description: "Run syslogd, which writes what programs log to files.",
  valueCheck: syslogConfiguration.check,
});
