// The service `monitoring`: tells in the log, from time to time, what the supervisor takes (Shepherd manual, "Monitoring
// Service").

import { readdir } from "node:fs/promises";
import {
  lookupService,
  type RunningValue,
  type ServiceDefinition,
  service,
  shepherdAction,
  supervisorStatistics,
  updateRunningValue,
} from "../../daemon/core.js";
import { type Checks, check, checkFields } from "../../daemon/definition/check.js";

export interface MonitoringOptions {
  /** Seconds between two lines in the log: an integer; default 1200, which is 20 minutes. */
  readonly period?: number;
}

/** What the next supervisor goes on with. */
interface Monitoring {
  /** Seconds. */
  readonly period: number;
  /** When a line was logged last, or the period began: seconds since the epoch. */
  readonly since: number;
}

const name = "monitoring";
const usualPeriod = 20 * 60;
/** The most seconds that a timer of JavaScript can wait. */
const longestPeriod = 2_147_483;

const isPeriod = (value: unknown): value is number =>
  Number.isInteger(value) && Number(value) >= 1 && Number(value) <= longestPeriod;
const checks: Checks<MonitoringOptions> = {
  period: check(`an integer from 1 to ${longestPeriod}: seconds`, isPeriod),
};

/**
 * The service `monitoring`, which logs the number of services' names, the size of the supervisor's heap, its descriptors
 * and its services' processes, every `period` seconds. Actions: `herd log monitoring` tells at once, and
 * `herd period monitoring SECONDS` sets the period.
 *
 * @throws DefinitionError where the period is not what it should be
 */
export function monitoringService(options: MonitoringOptions = {}): ServiceDefinition {
  const { period = usualPeriod } = checkFields({ what: "monitoringService" }, options, checks);
  let timer: NodeJS.Timeout | undefined;

  const tell = async (): Promise<void> => {
    console.log(await resources());
  };
  const arm = ({ period: seconds, since }: Monitoring): void => {
    clearTimeout(timer);
    // Never longer than the period, however the clock was set meanwhile.
    const left = Math.min(Math.max(0, since + seconds - now()), seconds);
    timer = setTimeout(() => elapsed(seconds), left * 1000);
  };
  const begin = (seconds: number): Monitoring => {
    const next = { period: seconds, since: now() };
    arm(next);
    return next;
  };
  const elapsed = (seconds: number): void => {
    // A start that was cancelled has no stop.
    if (lookupService(name)?.status !== "running") return;
    updateRunningValue(name, { ...begin(seconds) });
    tell().catch((error: unknown) => console.error(`monitoring: ${String(error)}`));
  };

  return service([name], {
    documentation: "Log how much the supervisor takes, from time to time.",
    start: () => ({ ...begin(period) }),
    retryable: true,
    resume: (value) => {
      const left = monitoringOf(value) ?? { period, since: now() };
      arm(left);
      return { ...left };
    },
    stop: () => {
      clearTimeout(timer);
      return false;
    },
    actions: [
      shepherdAction({
        name: "period",
        documentation: "Set the number of seconds between two lines in the log.",
        procedure: (value, ...args) => {
          const [text = ""] = args;
          const seconds = /^[0-9]+$/.test(text) ? Number(text) : Number.NaN;
          if (args.length !== 1 || !isPeriod(seconds)) {
            console.log(`${text}: invalid number; expected a positive integer`);
            return false;
          }
          if (value === false) throw new Error("period: the service does not run");
          updateRunningValue(name, { ...begin(seconds) });
          return true;
        },
      }),
      shepherdAction({
        name: "log",
        documentation: "Tell how much the supervisor takes, now.",
        procedure: tell,
      }),
    ],
  });
}

function now(): number {
  return Date.now() / 1000;
}

/** What an older supervisor, or the start of another definition, may have left is not to be trusted. */
function monitoringOf(value: RunningValue): Monitoring | undefined {
  if (typeof value !== "object" || value === null || !("period" in value && "since" in value))
    return undefined;
  const { period, since } = value;
  return isPeriod(period) && typeof since === "number" ? { period, since } : undefined;
}

async function resources(): Promise<string> {
  const { serviceNames, heapUsed, processes } = supervisorStatistics();
  const heap = (heapUsed / 2 ** 20).toFixed(2);
  // Without the one that reads the directory.
  const descriptors = (await readdir("/proc/self/fd")).length - 1;
  return `service names: ${serviceNames}; heap: ${heap} MiB; file descriptors: ${descriptors}; processes: ${processes}`;
}
