// The service of the key-value store Redis: `redisServiceType` of Guix (Guix manual, "Database Services").

import { type Checks, check } from "../daemon/definition/check.js";
import { makeKillDestructor } from "../daemon/definition/constructors.js";
import { notify } from "../daemon/readiness/options.js";
import type { UserAccount, UserGroup } from "./accounts/records.js";
import { recordConstructor } from "./composition/record.js";
import { serviceExtension, serviceType } from "./composition/service-type.js";
import { isLine, isWord, lines } from "./configuration-checks.js";
import { daemonAccounts } from "./daemon-accounts.js";
import { accountServiceType } from "./essential/account.js";
import { type ActivationSnippet, activationServiceType, directoryStep } from "./essential/activation.js";
import { profileServiceType } from "./essential/profile.js";
import { shepherdRootServiceType } from "./essential/shepherd-root.js";
import { type FileLike, fileAppend, fileLikeCheck, plainFile } from "./files/file-like.js";
import { redis } from "./files/packages.js";
import { type SoftwarePackage, softwarePackageCheck } from "./files/software-package.js";
import { makeForkexecConstructor, shepherdConfigurationAction } from "./shepherd/constructors.js";
import { type ShepherdService, shepherdService } from "./shepherd/service.js";

/** What `redisServiceType` runs. */
export interface RedisConfiguration {
  /** The package; default Debian's. */
  readonly redis: SoftwarePackage;
  /** The addresses at which it listens, with spaces between them; default `"127.0.0.1"`. */
  readonly bind: string;
  /** Default 6379. */
  readonly port: number;
  /** Where it keeps its data; default /var/lib/redis. */
  readonly workingDirectory: string;
  /** A configuration file that takes the place of `bind`, `port` and `workingDirectory`; default none. */
  readonly configFile: FileLike | undefined;
}

const checks: Checks<RedisConfiguration> = {
  redis: softwarePackageCheck,
  bind: check<string>(
    "addresses with spaces between them",
    (value) => isLine(value) && value.split(" ").every(isWord),
  ),
  port: lines.port,
  workingDirectory: lines.path,
  configFile: fileLikeCheck,
};

/**
 * The configuration of Redis.
 *
 * @example redisConfiguration({ bind: "127.0.0.1 ::1", port: 6380 })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const redisConfiguration = recordConstructor<RedisConfiguration>("redisConfiguration", checks, {
  redis,
  bind: "127.0.0.1",
  port: 6379,
  workingDirectory: "/var/lib/redis",
  configFile: undefined,
});

/** As Debian's package makes it, which is adopted where it is installed. */
export function redisAccounts(): readonly (UserGroup | UserAccount)[] {
  return daemonAccounts({
    user: "redis",
    comment: "Redis server.",
    homeDirectory: "/var/lib/redis",
    createHomeDirectory: false,
  });
}

/** Where it keeps its data. */
export function redisActivation({ workingDirectory }: RedisConfiguration): readonly ActivationSnippet[] {
  return [
    {
      name: "redis",
      steps: [directoryStep(workingDirectory, { mode: 0o750, owner: "redis", group: "redis" })],
    },
  ];
}

/** The file that Redis reads. */
export function redisConf({ bind, port, workingDirectory, configFile }: RedisConfiguration): FileLike {
  return configFile ?? plainFile("redis.conf", `bind ${bind}\nport ${port}\ndir ${workingDirectory}\n`);
}

/** The service `redis`. It has started when Redis has loaded its data and says so. */
export function redisShepherdServices(configuration: RedisConfiguration): readonly ShepherdService[] {
  const file = redisConf(configuration);
  return [
    shepherdService({
      provision: ["redis"],
      requirement: ["user-processes", "syslogd"],
      start: makeForkexecConstructor(
        // Words here win over the file: in the background it could not be told from one that has ended.
        [
          fileAppend(configuration.redis, "/bin/redis-server"),
          file,
          "--daemonize",
          "no",
          "--supervised",
          "systemd",
        ],
        {
          user: "redis",
          group: "redis",
          directory: configuration.workingDirectory,
          fileCreationMask: 0o077,
          readiness: notify(),
          // As long as the data takes to be loaded.
          readinessTimeout: 600,
        },
      ),
      // It saves its data first.
      stop: makeKillDestructor({ gracePeriod: 60 }),
      actions: [shepherdConfigurationAction(file)],
      documentation: "Run the Redis daemon.",
    }),
  ];
}

/**
 * Runs Redis as the user `redis`.
 *
 * @example service(redisServiceType, redisConfiguration({ port: 6380 }))
 */
export const redisServiceType = serviceType<RedisConfiguration>({
  name: "redis",
  extensions: [
    serviceExtension(shepherdRootServiceType, redisShepherdServices),
    serviceExtension(activationServiceType, redisActivation),
    serviceExtension(accountServiceType, redisAccounts),
    serviceExtension(profileServiceType, ({ redis: chosen }: RedisConfiguration) => [chosen]),
  ],
  defaultValue: redisConfiguration(),
  description: "Run Redis, a key-value store.",
  valueCheck: redisConfiguration.check,
});
