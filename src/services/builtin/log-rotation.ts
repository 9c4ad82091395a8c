// The service `log-rotation`: puts log files aside at times and when they grow, and compresses and removes the old ones
// (Shepherd manual, "Log Rotation Service").

import {
  type CalendarEvent,
  calendarEvent,
  type Interval,
  logFiles,
  makeTimerConstructor,
  makeTimerDestructor,
  type RotationOptions,
  rotateLogs,
  type ServiceDefinition,
  service,
  shepherdAction,
  timerTriggerAction,
} from "../../daemon/core.js";
import { type Checks, check, checkFields } from "../../daemon/definition/check.js";
import { fields } from "../../daemon/definition/fields.js";
import { isSize, policyOf, rotationChecks } from "../../daemon/logs/rotation-policy.js";
import { whileItRuns } from "../../daemon/logs/while-it-runs.js";

/** What `logRotationService` takes. */
export interface LogRotationOptions extends RotationOptions {
  /** The service's names, of which the first is the canonical one; default `["log-rotation"]`. */
  readonly provision?: readonly string[];
  /** When logs are rotated: by `calendarEvent(…)` and its like, or `interval(…)`; default Sundays at 22:00. */
  readonly schedule?: CalendarEvent | Interval;
  /**
   * Bytes: a log file that has more is rotated at once, between two batches of lines, so that it has about 64 KiB more than
   * that at most; at least 65536. Default: files may grow until the schedule comes. It holds while the service runs.
   */
  readonly maxSize?: number;
}

/** Less would make a file of nearly every batch. */
const leastSize = 65_536;

const checks: Checks<LogRotationOptions> = {
  ...rotationChecks,
  provision: fields.provision,
  schedule: check("a calendar event or an interval", (value) => typeof value === "object" && value !== null),
  maxSize: check(`a number of bytes from ${leastSize} on`, (value) => isSize(value) && value >= leastSize),
};

/**
 * The service `log-rotation`, a timer which rotates the log files of all services and of the supervisor itself: FILE becomes
 * FILE.1.gz, and so on. No line is lost, torn or doubled by that. `herd trigger log-rotation` rotates at once, and
 * `herd files log-rotation` lists the files.
 *
 * @example logRotationService({ maxSize: 10 * 1024 * 1024, keep: 20, externalLogFiles: ["/var/log/backup.log"] })
 * @throws DefinitionError where an option is not what it should be
 */
export function logRotationService(options: LogRotationOptions = {}): ServiceDefinition {
  const {
    provision = ["log-rotation"],
    schedule = calendarEvent({ daysOfWeek: ["sunday"], hours: [22], minutes: [0] }),
    maxSize,
    ...rotation
  } = checkFields({ what: "logRotationService" }, options, checks);
  const policy = policyOf(rotation);
  return service(provision, {
    documentation: "Rotate log files, compress the old ones, and remove them when they have expired.",
    start: whileItRuns(
      makeTimerConstructor(schedule, () => rotateLogs(policy)),
      maxSize === undefined ? policy : { ...policy, maxSize },
    ),
    stop: makeTimerDestructor(),
    retryable: true,
    actions: [
      timerTriggerAction,
      shepherdAction({
        name: "files",
        documentation: "List the log files that are rotated, and the services whose they are.",
        procedure: () => {
          for (const { file, service: name } of logFiles()) console.log(`${file}\t${name}`);
          for (const file of policy.externalLogFiles) console.log(`${file}\t(external)`);
          return true;
        },
      }),
    ],
  });
}
