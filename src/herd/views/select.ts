// Which view shows which command.
import type { Invocation } from "../arguments.js";
import { action, evaluation, start } from "./action.js";
import { doc, help } from "./doc.js";
import { graph } from "./graph.js";
import { eventLog, serviceLog } from "./history.js";
import { detailedStatus, overview, status } from "./status.js";
import { tree } from "./tree.js";
import { isRoot, type View } from "./view.js";

/** These are the client's own views over the status of all services, when they are about root. */
const views: ReadonlyMap<string, View> = new Map([
  ["detailed-status", detailedStatus],
  ["log", eventLog],
  ["graph", graph],
]);

export interface Selection {
  readonly view: View;
  /** What the daemon is asked to do. */
  readonly action: string;
}

export function selectView({ action: name, service }: Invocation): Selection {
  const view = views.get(name);
  if (view !== undefined && isRoot(service)) return { view, action: "status" };
  return { view: ownView(name, service), action: name };
}

function ownView(name: string, service: string | undefined): View {
  switch (name) {
    case "status":
      return service === undefined ? overview : status;
    case "help":
      return isRoot(service) ? help : action;
    case "eval":
      return isRoot(service) ? evaluation : action;
    case "start":
      return start;
    case "log":
      return serviceLog;
    case "doc":
      return doc;
    case "tree":
      return tree;
    default:
      return action;
  }
}
