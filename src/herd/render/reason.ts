// Why a service is not up, in a few words: for overviews that people look at.

import type { ServiceStatus } from "../../protocol/service-status.js";
import { decodeWaiting } from "../../protocol/waiting.js";
import { extraText, processEnd } from "./service.js";
import { plain } from "./style.js";
import { duration } from "./time.js";
import { lackingText, some } from "./waiting.js";

/** Longer ones are in `herd status SERVICE`. */
const MOST_CHARACTERS = 120;
/** A start or stop that takes no longer needs no explanation. */
const SOON = 3;

/** One line; undefined for one that runs, and for one that just was not started. */
export function reasonFor(service: ServiceStatus, now: number): string | undefined {
  const reasons = reasonsFor(service, now).filter((reason) => reason !== undefined && reason !== "");
  return reasons.length === 0 ? undefined : shortened(reasons.join("; "));
}

function reasonsFor(service: ServiceStatus, now: number): readonly (string | undefined)[] {
  const { awaitedBy, ...waiting } = decodeWaiting(service.extra);
  const awaited = awaitedBy.length === 0 ? undefined : `awaited by ${some(awaitedBy, ", ")}`;
  switch (service.status) {
    case "running":
      return [];
    case "starting":
    case "stopping":
      return [forSoLong(service, now), awaited];
    case "stopped":
      return [
        disabledReason(service),
        waiting.respawnAt === undefined
          ? undefined
          : `to be started again in ${duration(Math.max(0, waiting.respawnAt - now))}`,
        ...(waiting.wanted ? [] : downReasons(service)),
        lackingText({ ...waiting, awaitedBy }),
        awaited,
      ];
  }
}

function disabledReason(service: ServiceStatus): string | undefined {
  if (service.enabled) return undefined;
  const because = extraText(service, "disabled-because");
  return because === undefined ? "disabled" : `disabled: ${because.replace(/\.$/, "")}`;
}

/** What made its last start, or its last run, end. */
function downReasons(service: ServiceStatus): readonly (string | undefined)[] {
  const skipped = extraText(service, "skipped");
  if (skipped !== undefined) return [`skipped: ${skipped}`];
  const failure = extraText(service, "failure");
  if (failure !== undefined) return [failure];
  const [last] = service.exitStatuses;
  const hasFailed =
    last !== undefined && last.status !== 0 && service.statusChanges[1]?.status !== "stopping";
  return [hasFailed ? uncapitalised(processEnd(last.status, plain).replace(/\.\n$/, "")) : undefined];
}

function forSoLong({ statusChanges }: ServiceStatus, now: number): string | undefined {
  const since = statusChanges[0]?.time;
  return since === undefined || now - since < SOON ? undefined : `for ${duration(now - since)}`;
}

function uncapitalised(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

function shortened(text: string): string {
  const [first = "", ...rest] = text.split("\n");
  const characters = [...first];
  if (characters.length <= MOST_CHARACTERS && rest.length === 0) return first;
  return `${characters.slice(0, MOST_CHARACTERS - 3).join("")}...`;
}
