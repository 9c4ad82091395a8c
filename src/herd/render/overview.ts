// `herd status`: the services by what they do, each section sorted by name.
import type { ServiceStatus } from "../../protocol/service-status.js";
import { stuckSince } from "./service.js";
import type { Style } from "./style.js";

export function renderOverview(services: readonly ServiceStatus[], style: Style, now: number): string {
  const sorted = [...services].sort(byName);
  const running = sorted.filter(({ status }) => status === "running");
  const stopped = sorted.filter(({ status }) => status === "stopped");
  const isTimer = ({ running: value }: ServiceStatus) => value?.type === "timer";
  const isFailing = ({ startupFailures }: ServiceStatus) => startupFailures.length > 0;
  const section = (heading: string, bullet: string, members: readonly ServiceStatus[]) =>
    members.length === 0
      ? ""
      : heading + members.map((service) => ` ${bullet} ${emphasised(service, style, now)}\n`).join("");
  const recurring = stopped.filter(({ oneShot }) => !oneShot);
  return [
    section(
      style.bold("Started:\n"),
      "+",
      running.filter((service) => !isTimer(service)),
    ),
    section(style.bold("Running timers:\n"), "+", running.filter(isTimer)),
    section(
      style.bold("Starting:\n"),
      "^",
      sorted.filter(({ status }) => status === "starting"),
    ),
    section(
      style.bold("Stopped:\n"),
      "-",
      recurring.filter((service) => !isFailing(service)),
    ),
    section(
      style.bold("Stopping:\n"),
      "v",
      sorted.filter(({ status }) => status === "stopping"),
    ),
    section(
      style.bold("One-shot:\n"),
      "*",
      stopped.filter(({ oneShot }) => oneShot),
    ),
    section(style.error("Failed to start:\n"), "!", recurring.filter(isFailing)),
  ].join("");
}

function byName(one: ServiceStatus, other: ServiceStatus): number {
  if (one.provides[0] === other.provides[0]) return 0;
  return one.provides[0] < other.provides[0] ? -1 : 1;
}

function emphasised(service: ServiceStatus, style: Style, now: number): string {
  const name = service.provides[0];
  if (service.pendingReplacement) return style.bold(name);
  if (service.transient) return style.dim(name);
  return stuckSince(service, style, now)(name);
}
