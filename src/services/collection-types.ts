// Types for Shepherd's own services, which `shepherd-ts` has as definitions: the REPL, transient services, timers, log
// rotation, the system log and monitoring.

import { type Checks, check } from "../daemon/definition/check.js";
import { fields } from "../daemon/definition/fields.js";
import { type LogRotationOptions, logRotationService } from "./builtin/log-rotation.js";
import { type MonitoringOptions, monitoringService } from "./builtin/monitoring.js";
import { replService } from "./builtin/repl.js";
import { type SystemLogServiceOptions, systemLogService } from "./builtin/system-log.js";
import { timerService } from "./builtin/timer.js";
import { transientService } from "./builtin/transient.js";
import { recordConstructor } from "./composition/record.js";
import { lines } from "./configuration-checks.js";
import { shepherdService } from "./shepherd/service.js";
import { shepherdServiceType } from "./shepherd/service-type.js";

const usualRequirement: readonly string[] = ["user-processes"];

/** What `replServiceType` runs. */
export interface ReplConfiguration {
  /** The socket, an absolute name; default `repl` beside the control socket. */
  readonly path: string | undefined;
  /** How many clients may be connected at a time, 1 to 100; default 10. */
  readonly maxClients: number;
  /** What must run before it; default none. */
  readonly requirement: readonly string[];
}

const replChecks: Checks<ReplConfiguration> = {
  path: lines.path,
  maxClients: check<number>(
    "a number from 1 to 100",
    (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 100,
  ),
  requirement: fields.names,
};

/**
 * The configuration of the REPL.
 *
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const replConfiguration = recordConstructor<ReplConfiguration>("replConfiguration", replChecks, {
  path: undefined,
  maxClients: 10,
  requirement: [],
});

/** The service `repl`: a prompt for JavaScript inside the supervisor, for root only. It is in no list of usual services. */
export const replServiceType = shepherdServiceType<ReplConfiguration>(
  "shepherd-repl",
  ({ path, maxClients, requirement }) =>
    shepherdService({
      provision: ["repl"],
      requirement,
      // Where the control socket is, only the supervisor knows.
      freeForm: () => replService({ ...(path === undefined ? {} : { path }), maxClients }),
    }),
  {
    defaultValue: replConfiguration(),
    description: "Evaluate JavaScript inside the supervisor for root, who connects to a socket.",
    valueCheck: replConfiguration.check,
  },
);

/** What `timerServiceType` and `transientServiceType` run. */
export interface LaunchingConfiguration {
  /** What must run before it; default `["user-processes"]`. */
  readonly requirement: readonly string[];
}

/**
 * The configuration of the services that run commands for clients.
 *
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const launchingConfiguration = recordConstructor<LaunchingConfiguration>(
  "launchingConfiguration",
  { requirement: fields.names },
  { requirement: usualRequirement },
);

/** The service `timer`: `herd schedule timer at 10:00 -- mpg123 alarm.mp3`. */
export const timerServiceType = shepherdServiceType<LaunchingConfiguration>(
  "shepherd-timer",
  ({ requirement }) => shepherdService({ provision: ["timer"], requirement, freeForm: timerService() }),
  {
    defaultValue: launchingConfiguration(),
    description: "Run programs at times that 'herd schedule timer' names.",
    valueCheck: launchingConfiguration.check,
  },
);

/** The service `transient`: `herd spawn transient -- make all`. */
export const transientServiceType = shepherdServiceType<LaunchingConfiguration>(
  "shepherd-transient",
  ({ requirement }) =>
    shepherdService({ provision: ["transient"], requirement, freeForm: transientService() }),
  {
    defaultValue: launchingConfiguration(),
    description: "Run programs in the background that 'herd spawn transient' names.",
    valueCheck: launchingConfiguration.check,
  },
);

/** What `logRotationServiceType` runs. */
export type LogRotationConfiguration = LogRotationOptions;

/**
 * The configuration of log rotation: the options of `logRotationService`.
 *
 * @example logRotationConfiguration({ maxSize: 10 * 1024 * 1024, externalLogFiles: ["/var/log/nginx/access.log"] })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export function logRotationConfiguration(options: LogRotationOptions = {}): LogRotationConfiguration {
  // Checked while the place of this call is known.
  logRotationService(options);
  return Object.freeze({ ...options });
}

/** The service `log-rotation`. */
export const logRotationServiceType = shepherdServiceType<LogRotationConfiguration>(
  "log-rotation",
  (options) => {
    const definition = logRotationService(options);
    return shepherdService({
      provision: definition.provision,
      requirement: usualRequirement,
      freeForm: definition,
    });
  },
  {
    defaultValue: logRotationConfiguration(),
    description:
      "Rotate the log files of all services every week, compress old ones, and remove them in the end.",
  },
);

/** What `systemLogServiceType` runs. */
export type SystemLogConfiguration = SystemLogServiceOptions;

/**
 * The configuration of the system log: the options of `systemLogService`; `requirement` is `["user-processes"]` by default.
 *
 * @throws DefinitionError that names the place, the field and what was expected
 */
export function systemLogConfiguration(options: SystemLogServiceOptions = {}): SystemLogConfiguration {
  systemLogService(options);
  return Object.freeze({ requirement: usualRequirement, ...options });
}

/** The service `system-log`, also `syslogd`: it writes what programs log with syslog(3), without a program of its own. */
export const systemLogServiceType = shepherdServiceType<SystemLogConfiguration>(
  "shepherd-system-log",
  (options) => {
    const definition = systemLogService({ requirement: usualRequirement, ...options });
    return shepherdService({ provision: definition.provision, freeForm: definition });
  },
  {
    defaultValue: systemLogConfiguration(),
    description: "Write what programs log with syslog, and what the kernel says, to files.",
  },
);

/** What `monitoringServiceType` runs. */
export type MonitoringConfiguration = MonitoringOptions;

/**
 * The configuration of monitoring: the options of `monitoringService`.
 *
 * @throws DefinitionError that names the place, the field and what was expected
 */
export function monitoringConfiguration(options: MonitoringOptions = {}): MonitoringConfiguration {
  monitoringService(options);
  return Object.freeze({ ...options });
}

/** The service `monitoring`, which logs what the supervisor takes. It is in no list of usual services. */
export const monitoringServiceType = shepherdServiceType<MonitoringConfiguration>(
  "shepherd-monitoring",
  (options) => shepherdService({ provision: ["monitoring"], freeForm: monitoringService(options) }),
  {
    defaultValue: monitoringConfiguration(),
    description: "Log, from time to time, how much the supervisor takes.",
  },
);

/** Guix's names of those that it has. */
export {
  systemLogServiceType as shepherdSystemLogServiceType,
  timerServiceType as shepherdTimerServiceType,
  transientServiceType as shepherdTransientServiceType,
};
