// `herd status`: the services by what they do, each section sorted by name.
import type { ServiceStatus } from "../../protocol/service-status.js";
import type { DetailOptions } from "./detail.js";
import { reasonFor } from "./reason.js";
import { extraText, stuckSince } from "./service.js";
import type { Style } from "./style.js";

export type OverviewOptions = Pick<DetailOptions, "style" | "now" | "reasons">;

export function renderOverview(services: readonly ServiceStatus[], options: OverviewOptions): string {
  const { style, now, reasons = false } = options;
  const sorted = [...services].sort(byName);
  const running = sorted.filter(({ status }) => status === "running");
  const stopped = sorted.filter(({ status }) => status === "stopped");
  const isTimer = ({ running: value }: ServiceStatus) => value?.type === "timer";
  const isFailing = ({ startupFailures }: ServiceStatus) => startupFailures.length > 0;
  const section = (heading: string, bullet: string, members: readonly ServiceStatus[]) =>
    members.length === 0
      ? ""
      : heading +
        members
          .map(
            (service) =>
              ` ${bullet} ${emphasised(service, style, now)}${reasons ? reason(service, options) : ""}\n`,
          )
          .join("");
  const recurring = stopped.filter(({ oneShot }) => !oneShot);
  return [
    rescueLine(sorted, style),
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
    logTroubleLine(sorted, style),
  ].join("");
}

function rescueLine(services: readonly ServiceStatus[], style: Style): string {
  const isRescued = services.some((service) => extraText(service, "rescue") !== undefined);
  return isRescued ? style.error("Rescue mode is on; 'herd status root' tells why.\n") : "";
}

/** Whose logs are not where they belong; what troubles the log of all is told of `root` alone. */
function logTroubleLine(services: readonly ServiceStatus[], style: Style): string {
  const trouble = (service: ServiceStatus) => extraText(service, "log-trouble");
  const root = services.find(({ provides }) => provides[0] === "root");
  const common = root && trouble(root);
  // That of a service adds where its lines are instead.
  const isCommon = (text: string) => common !== undefined && text.startsWith(common);
  const names = services
    .filter((service) => {
      const text = trouble(service);
      return text !== undefined && (service === root || !isCommon(text));
    })
    .map(({ provides }) => provides[0]);
  return names.length === 0 ? "" : style.error(`Log trouble: ${names.join(" ")}\n`);
}

function byName(one: ServiceStatus, other: ServiceStatus): number {
  if (one.provides[0] === other.provides[0]) return 0;
  return one.provides[0] < other.provides[0] ? -1 : 1;
}

function reason(service: ServiceStatus, { style, now }: OverviewOptions): string {
  const why = reasonFor(service, now);
  return why === undefined ? "" : style.dim(`  ${why}`);
}

function emphasised(service: ServiceStatus, style: Style, now: number): string {
  const name = service.provides[0];
  if (service.pendingReplacement) return style.bold(name);
  if (service.transient) return style.dim(name);
  return stuckSince(service, style, now)(name);
}
