// `herd log`: every status change that the daemon remembers, oldest first.
import type { ServiceState, ServiceStatus } from "../../protocol/service-status.js";
import type { Style } from "./style.js";
import { eventStamp } from "./time.js";

export type EventKind = ServiceState | "failed" | "done-one-shot" | "done-transient";

export interface ServiceEvent {
  readonly time: number;
  readonly service: string;
  readonly event: EventKind;
}

export function eventsOf(services: readonly ServiceStatus[]): ServiceEvent[] {
  // Sorting is stable, and each service's own events are in order: those of one second keep their causal order.
  return services.flatMap(serviceEvents).sort((one, other) => one.time - other.time);
}

export function renderEvents(events: readonly ServiceEvent[], style: Style): string {
  return events.map((event) => `${eventStamp(event.time)}\t${describe(event, style)}`).join("");
}

function serviceEvents(service: ServiceStatus): ServiceEvent[] {
  const [name] = service.provides;
  const changes = [...service.statusChanges].reverse();
  return changes.map(({ status, time }, index) => {
    const previous = changes[index - 1]?.status;
    return { time, service: name, event: status === "stopped" ? endKind(service, previous) : status };
  });
}

function endKind(service: ServiceStatus, previous: ServiceState | undefined): EventKind {
  if (service.oneShot) return "done-one-shot";
  if (previous === "starting") return "failed";
  return service.transient ? "done-transient" : "stopped";
}

function describe({ service, event }: ServiceEvent, style: Style): string {
  switch (event) {
    case "running":
      return style.bold(`service ${service} is running\n`);
    case "stopped":
      return style.warning(`service ${service} is stopped\n`);
    case "starting":
      return `service ${service} is being started\n`;
    case "stopping":
      return `service ${service} is being stopped\n`;
    case "failed":
      return style.error(`service ${service} failed to start\n`);
    case "done-one-shot":
      return `service ${service} is done (one-shot)\n`;
    case "done-transient":
      return style.warning(`service ${service} is done (transient)\n`);
  }
}
