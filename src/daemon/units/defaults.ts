// Systemd's defaults of settings of a service that several modules here need.

import type { ServiceSettings } from "../../../systemd-compat/directives.js";
import { serviceType } from "../../../systemd-compat/unit-checks.js";

/** Seconds: DefaultTimeoutStartSec= and DefaultTimeoutStopSec=. */
const usualTimeout = 90;

/** Seconds that each command of a start may take, and the start of its main process. A one-shot has no limit of its own. */
export function startTimeout(service: ServiceSettings): number {
  const usual = serviceType(service) === "oneshot" ? Number.POSITIVE_INFINITY : usualTimeout;
  return service.TimeoutStartSec ?? usual;
}

/** Seconds that each command of a stop may take, and the end of its processes once they were told to end. */
export function stopTimeout({ TimeoutStopSec = usualTimeout }: ServiceSettings): number {
  return TimeoutStopSec;
}

/** Seconds that its processes may take where the watchdog, or a timeout, has them aborted. */
export function abortTimeout(service: ServiceSettings): number {
  return service.TimeoutAbortSec ?? stopTimeout(service);
}

/** Whether it is over, and stopped, when its commands are. */
export function isOneShot(service: ServiceSettings): boolean {
  return serviceType(service) === "oneshot" && service.RemainAfterExit !== true;
}

/** Whether there is anything that a reload could do. */
export function canReload(service: ServiceSettings): boolean {
  return (service.ExecReload ?? []).length > 0 || serviceType(service) === "notify-reload";
}

/** How its processes are told to end, and ended. */
export interface KillSettings {
  readonly mode: NonNullable<ServiceSettings["KillMode"]>;
  readonly signal: number;
  /** Where it is stopped to be started again. */
  readonly restartSignal: number;
  readonly abortSignal: number;
  /** What ends those that are left when the time is over; undefined: they stay. */
  readonly finalSignal: number | undefined;
  /** Whether HUP follows. */
  readonly hangUp: boolean;
}

const [SIGABRT, SIGKILL, SIGTERM] = [6, 9, 15];

export function killSettings(service: ServiceSettings): KillSettings {
  const { KillSignal = SIGTERM, SendSIGKILL = true } = service;
  return {
    mode: service.KillMode ?? "control-group",
    signal: KillSignal,
    restartSignal: service.RestartKillSignal ?? KillSignal,
    abortSignal: service.WatchdogSignal ?? SIGABRT,
    finalSignal: SendSIGKILL ? (service.FinalKillSignal ?? SIGKILL) : undefined,
    hangUp: service.SendSIGHUP ?? false,
  };
}
