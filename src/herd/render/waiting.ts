// What a service that does not run waits for, and who waits for it. In parentheses, as every reason that GNU herd does not
// give.

import type { ServiceStatus } from "../../protocol/service-status.js";
import { decodeWaiting, type Hindrance, type Waiting } from "../../protocol/waiting.js";
import { timeAndAge } from "./time.js";

/** As many are named. */
const MOST_NAMES = 5;

/** As lines of `herd status SERVICE`. */
export function waitingLines({ extra, status }: ServiceStatus, now: number): string[] {
  if (status === "running") return [];
  const waiting = decodeWaiting(extra);
  const { awaitedBy, respawnAt } = waiting;
  return [
    ...(respawnAt === undefined ? [] : [`it is to be started again at ${timeAndAge(respawnAt, now)}`]),
    ...present(lackingText(waiting)),
    ...(awaitedBy.length === 0 ? [] : [`awaited by ${some(awaitedBy, ", ")}`]),
  ].map((line) => `    (${line})\n`);
}

/** What its start waits for, or would fail for. */
export function lackingText({ wanted, lacking }: Waiting): string | undefined {
  const all = some(
    lacking.map(({ service, how }) => `${service}, which ${hindrances[how]}`),
    "; ",
  );
  if (!wanted) return lacking.length === 0 ? undefined : `it requires ${all}`;
  return lacking.length === 0 ? "it is about to be started" : `it is to be started, and waits for ${all}`;
}

const hindrances: Readonly<Record<Hindrance, string>> = {
  missing: "does not exist",
  disabled: "is disabled",
  failed: "failed to start",
  stopped: "is stopped",
  starting: "is starting",
  stopping: "is being stopped",
};

/** The first of them, and how many more there are. */
export function some(items: readonly string[], separator: string): string {
  const more = items.length - MOST_NAMES;
  if (more <= 0) return items.join(separator);
  return `${items.slice(0, MOST_NAMES).join(separator)}${separator}and ${more} more`;
}

function present(text: string | undefined): string[] {
  return text === undefined ? [] : [text];
}
