// The crash points that the torture goes through in turn, by what brings the daemon to them.

import type { When } from "./ambush.js";

export interface NamedPoint {
  readonly when: When;
  readonly label: string;
}

/** What makes a daemon come to a label; see workload.ts. */
export type Occasion =
  | "boot"
  | "recovery"
  | "restart"
  | "respawn"
  | "daemonize"
  | "kill"
  | "module"
  | "writer"
  | "relaunch"
  | "upgrade"
  | "function"
  | "client"
  | "connection"
  | "timer"
  | "rotation"
  | "system-log"
  | "readiness"
  | "shutdown";

/** Every request that occurs, and when. */
const requests: Readonly<Record<string, Occasion>> = {
  hello: "recovery",
  configure: "recovery",
  "put-note culprit": "function",
  "listen control": "boot",
  "listen launchers": "boot",
  "socket-pair": "boot",
  "memory-file": "boot",
  "pipe log": "boot",
  "spawn log-writer": "writer",
  "watch log": "writer",
  "close log": "writer",
  "put-note log-writer": "writer",
  "put-note log-sink": "boot",
  "put-note log": "restart",
  "delete-note log": "module",
  "put-note system": "module",
  "put-note definition": "module",
  "delete-note definition": "module",
  "put-note refresh": "relaunch",
  "delete-note refresh": "relaunch",
  "put-note request": "client",
  "delete-note request": "client",
  "spawn compiler": "module",
  "spawn successor": "relaunch",
  "spawn service": "restart",
  adopt: "daemonize",
  "signal-child": "restart",
  "signal-process": "kill",
  "put-note service stopped": "restart",
  "put-note service starting": "respawn",
  "put-note service running": "restart",
  "put-note service stopping": "restart",
  "delete-note service": "module",
  "arm-timer stop": "restart",
  "disarm-timer stop": "restart",
  "acknowledge child-started": "restart",
  "acknowledge child-ended": "respawn",
  "acknowledge datagram": "readiness",
  "acknowledge timer-fired": "kill",
  "acknowledge daemon-restarted": "recovery",
  "pipe service": "module",
  "close service": "module",
  "listen service": "boot",
  "watch service": "connection",
  "acknowledge readable": "connection",
  accept: "connection",
  "close connection": "connection",
  "notify-socket": "readiness",
  "arm-timer ready": "readiness",
  "disarm-timer ready": "readiness",
  "put-note log-system": "system-log",
  "delete-note log-system": "system-log",
  "spawn log-compressor": "rotation",
  "spawn run": "timer",
  "put-note timer": "timer",
  "arm-timer timer": "timer",
  "disarm-timer timer": "timer",
  "arm-timer run": "timer",
  "disarm-timer run": "timer",
  "arm-timer run-kill": "timer",
  "disarm-timer run-kill": "timer",
  pass: "restart",
  "tell-manager": "restart",
  relaunch: "relaunch",
  "replace-keeper": "upgrade",
  "put-note shutdown": "shutdown",
  "begin-shutdown": "shutdown",
  "end-children": "shutdown",
  "stand-by": "respawn",
  "stand-down": "respawn",
  finish: "shutdown",
};

const events: Readonly<Record<string, Occasion>> = {
  "child-started": "restart",
  "child-ended": "respawn",
  datagram: "readiness",
  readable: "connection",
  "timer-fired": "kill",
  "daemon-restarted": "recovery",
};

/** Half a frame is as good as none: these are enough to tell that. */
const torn = [
  "spawn service",
  "spawn run",
  "put-note service stopping",
  "acknowledge child-ended",
  "pass",
  "begin-shutdown",
];

/** Labels that a crash point is named after. */
export const namedLabels: ReadonlySet<string> = new Set(Object.keys(requests));

type Point = NamedPoint & { readonly occasion: Occasion };

export const allPoints: readonly Point[] = [
  ...Object.entries(requests).flatMap(([label, occasion]): readonly Point[] => [
    { when: "before", label, occasion },
    { when: "after", label, occasion },
  ]),
  ...torn.map((label): Point => ({ when: "half", label, occasion: requests[label] ?? "restart" })),
  ...Object.entries(events).map(([label, occasion]): Point => ({ when: "on", label, occasion })),
  { when: "before", label: "reply", occasion: "restart" },
  { when: "after", label: "reply", occasion: "restart" },
];

export function crashPoints(occasions: readonly Occasion[]): readonly Point[] {
  return allPoints.filter(({ occasion }) => occasions.includes(occasion));
}
