// Shepherd's own services, as configurations import them from `shepherd-ts`. A service of the collection is exported here;
// everything it may use of the supervisor is in `../daemon/core.js`.

export { type LogRotationOptions, logRotationService } from "./builtin/log-rotation.js";
export { type MonitoringOptions, monitoringService } from "./builtin/monitoring.js";
export { type ReplOptions, replService } from "./builtin/repl.js";
export {
  defaultSystemLogRules,
  type SystemLogFacility,
  type SystemLogPriority,
  type SystemLogRateLimit,
  type SystemLogRule,
  type SystemLogServiceOptions,
  systemLogService,
} from "./builtin/system-log.js";
export { timerService } from "./builtin/timer.js";
export { transientService } from "./builtin/transient.js";
export { type WebOptions, webService } from "./builtin/web.js";
