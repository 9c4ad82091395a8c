// `herd log` (what happened to the services) and `herd log SERVICE` (what a service wrote).
import type { Reply } from "../../protocol/messages.js";
import { decodeRecentMessage, decodeServices } from "../../protocol/service-status.js";
import { isList, mapList } from "../../protocol/sexp.js";
import { eventsOf, renderEvents } from "../render/events.js";
import { action } from "./action.js";
import type { View } from "./view.js";

export const eventLog: View = {
  text: ({ result }, _, { style }) => renderEvents(eventsOf(decodeServices(result)), style),
  json: ({ result }) => ({ events: eventsOf(decodeServices(result)).map((event) => ({ ...event })) }),
  failure: ({ result }) =>
    eventsOf(decodeServices(result)).length === 0 ? "event log is missing (shepherd is too old?)" : undefined,
};

/** The lines come as messages, so that GNU herd shows them too; our daemon's result has them with their times. */
export const serviceLog: View = {
  ...action,
  json: (reply, { service }) => ({ service, lines: timedLines(reply) }),
};

function timedLines({ result, messages }: Reply): { time: number | null; line: string }[] {
  const [list] = isList(result) ? result : [];
  const timed = mapList(list, decodeRecentMessage);
  if (timed !== undefined) return timed.map(({ time, line }) => ({ time, line }));
  return messages.map((line) => ({ time: null, line }));
}
