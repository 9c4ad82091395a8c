// The service `system-log`: what programs log with syslog(3), and what the kernel says, in files (Shepherd manual, "System
// Log Service").

import { type ServiceDefinition, service } from "../../daemon/core.js";
import { checkValue } from "../../daemon/definition/check.js";
import { fields } from "../../daemon/definition/fields.js";
import { type SystemLogOptions, systemLogConstructor } from "../../daemon/definition/system-log.js";

export {
  defaultSystemLogRules,
  type SystemLogFacility,
  type SystemLogPriority,
  type SystemLogRateLimit,
  type SystemLogRule,
} from "../../daemon/definition/system-log.js";

export interface SystemLogServiceOptions extends SystemLogOptions {
  /** Every name it answers to, the canonical name first; default `["system-log", "syslogd"]`. */
  readonly provision?: readonly string[];
  /** What must run before it; default none. */
  readonly requirement?: readonly string[];
}

/**
 * The service `system-log`, also `syslogd`: it listens at /dev/log and writes each message as one line, `DATE localhost
 * TAG[PID]: TEXT`, to the files that the rules name. Messages are read by the log writer: those that a program was able to
 * send are written, once and whole, though supervisor and log writer be killed meanwhile. There is one such service at a time.
 *
 * @example systemLogService({ rules: [{ facility: "mail", destination: "/var/log/mail", stop: true }, ...defaultSystemLogRules] })
 * @throws DefinitionError where an option is not what it should be
 */
export function systemLogService(options: SystemLogServiceOptions = {}): ServiceDefinition {
  const of = { what: "systemLogService" };
  const { provision = ["system-log", "syslogd"], requirement = [], ...rest } = options;
  const names = checkValue(of, provision, fields.provision, 'field "provision"');
  return service([...names], {
    documentation:
      "Listen for the messages that programs log with syslog(3), by default at /dev/log, and write them to files.",
    requirement: checkValue(of, requirement, fields.names, 'field "requirement"'),
    start: systemLogConstructor(of, rest),
  });
}
