// Asks a running service, again and again and one probe at a time, whether it is well.

import { setTimeout as delay } from "node:timers/promises";
import type { Host } from "../constructors/host.js";
import type { Health } from "./condition.js";
import { type HealthOptions, probeText } from "./options.js";
import { type Probed, runProbe } from "./probe.js";

const usual = { interval: 10, failures: 3 } as const;

export interface Patient extends Probed {
  health(): Health | undefined;
  /** Seconds since the epoch. */
  now(): number;
  changed(health: Health): void;
  /** Too many probes have failed in a row. */
  unhealthy(reason: string): void;
}

/** Goes on until it is unhealthy, or `signal` is aborted; never rejects for any other reason. */
export async function checkHealth(
  host: Host,
  patient: Patient,
  options: HealthOptions,
  signal: AbortSignal,
): Promise<void> {
  const { interval = usual.interval, failures = usual.failures, startDelay = interval } = options;
  const probe = { ...options.probe, timeout: options.timeout ?? options.probe.timeout };
  await delay(startDelay * 1000, undefined, { signal });
  for (;;) {
    const trouble = await runProbe(host, patient, probe, signal);
    signal.throwIfAborted();
    const before = patient.health();
    const next = after(before, trouble, patient.now());
    if (next !== before) patient.changed(next);
    if (next.failures >= failures) {
      patient.unhealthy(
        `${probeText(probe, patient.options)}: ${next.reason ?? ""} (${next.failures} times in a row)`,
      );
      return;
    }
    await delay(interval * 1000, undefined, { signal });
  }
}

/** The same where nothing is new, which then need not be noted. */
function after(before: Health | undefined, trouble: string | undefined, now: number): Health {
  if (trouble === undefined) return before?.failures === 0 ? before : { since: now, failures: 0 };
  const failing = before !== undefined && before.failures > 0;
  return { since: failing ? before.since : now, failures: (before?.failures ?? 0) + 1, reason: trouble };
}
