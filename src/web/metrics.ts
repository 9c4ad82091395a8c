// What Prometheus and its like collect, as OpenMetrics.

import { Gauge, type OpenMetricsContentType, Registry } from "prom-client";
import type { ServiceStatus } from "../protocol/service-status.js";
import { alarmsOf, memoryOfAll } from "./feed.js";
import { stateOf } from "./service-view.js";
import { NoAnswer, type Supervisor } from "./supervisor.js";
import type { ViewState } from "./views.js";

export const metricsType = Registry.OPENMETRICS_CONTENT_TYPE;

const states = [
  "running",
  "starting",
  "stopping",
  "stopped",
  "failed",
  "done",
] as const satisfies readonly ViewState[];

/** What a scrape tells; `services` is undefined where the supervisor does not answer. */
export interface Sample {
  readonly services: readonly ServiceStatus[] | undefined;
  /** Bytes, by service. */
  readonly memory: ReadonlyMap<string, number>;
  /** Seconds since the epoch, by timer. */
  readonly alarms: ReadonlyMap<string, number>;
}

export async function sampleOf(supervisor: Supervisor): Promise<Sample> {
  try {
    const services = await supervisor.services();
    return { services, memory: await memoryOfAll(services), alarms: await nextAlarms(supervisor, services) };
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
    return { services: undefined, memory: new Map(), alarms: new Map() };
  }
}

/** Of the timers that are told of before the supervisor goes away. */
async function nextAlarms(
  supervisor: Supervisor,
  services: readonly ServiceStatus[],
): Promise<ReadonlyMap<string, number>> {
  const alarms = new Map<string, number>();
  try {
    for (const { provides, running } of services) {
      if (running?.type !== "timer") continue;
      const [next] = await alarmsOf(supervisor, provides[0]);
      if (next !== undefined) alarms.set(provides[0], next);
    }
  } catch (error) {
    if (!(error instanceof NoAnswer)) throw error;
  }
  return alarms;
}

/** The text of the answer. */
export async function metricsText({ services, memory, alarms }: Sample): Promise<string> {
  // A new one each time: a service that is gone leaves nothing behind.
  const registry = new Registry<OpenMetricsContentType>();
  registry.setContentType(metricsType);
  const gauge = <Label extends string>(name: string, help: string, ...labelNames: Label[]): Gauge<Label> =>
    new Gauge({ name: `shepherd_${name}`, help, labelNames, registers: [registry] });

  gauge("up", "Whether the supervisor answers.").set(services === undefined ? 0 : 1);
  if (services === undefined) return await registry.metrics();
  gauge("services", "How many services there are.").set(services.length);
  const state = gauge("service_state", "1 for the state in which a service is.", "service", "state");
  const enabled = gauge("service_enabled", "Whether a service may be started.", "service");
  const since = gauge("service_state_timestamp_seconds", "Since when a service is in its state.", "service");
  const respawns = gauge(
    "service_respawns",
    "How often a service was started again since it was last started on demand, 100 at most.",
    "service",
  );
  const bytes = gauge("service_memory_bytes", "Memory that a service's processes use.", "service");
  const next = gauge("timer_next_timestamp_seconds", "When a timer goes off next.", "service");
  for (const service of services) {
    const name = { service: service.provides[0] };
    const current = stateOf(service);
    for (const one of states) state.set({ ...name, state: one }, one === current ? 1 : 0);
    enabled.set(name, service.enabled ? 1 : 0);
    const [change] = service.statusChanges;
    if (change !== undefined) since.set(name, change.time);
    respawns.set(name, service.lastRespawns.length);
    const memoryOfOne = memory.get(name.service);
    if (memoryOfOne !== undefined) bytes.set(name, memoryOfOne);
    const alarm = alarms.get(name.service);
    if (alarm !== undefined) next.set(name, alarm);
  }
  return await registry.metrics();
}
