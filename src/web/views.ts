// What the page is told of services: the shapes that the server sends and the browser draws.

/** "done" is a one-shot that has succeeded; "failed" what is down and was not meant to be. */
export type ViewState = "running" | "starting" | "stopping" | "stopped" | "failed" | "done";

/** Times are seconds since the epoch. */
export interface ServiceView {
  readonly name: string;
  readonly documentation: string;
  readonly kind: "service" | "one-shot" | "timer";
  readonly state: ViewState;
  readonly enabled: boolean;
  /** Since when its state is what it is; absent where it has had no other. */
  readonly since?: number;
  /** Its process, where it is one. */
  readonly pid?: number;
  /** Bytes. */
  readonly memory?: number;
  /** How often it was started again after it had ended, as far as the supervisor remembers. */
  readonly restarts: number;
  /** Why it is down, or what it waits for. */
  readonly why?: string;
  readonly requires: readonly string[];
  /** Of a timer: when it goes off next, soonest first. */
  readonly alarms?: readonly number[];
  /** Of a timer: how its last run ended, and when. */
  readonly lastRun?: { readonly end: number; readonly how: string };
}

export interface SupervisorView {
  readonly answers: boolean;
  /** Of the daemon; another one than before: it was restarted. */
  readonly pid?: number;
  /** Why no user code is run, where it is so. */
  readonly rescue?: string;
}

/** A box of the graph: the middle of its left side, and its size. */
export interface GraphNode {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
}

export interface GraphLayout {
  readonly width: number;
  readonly height: number;
  readonly nodes: readonly GraphNode[];
  /** From who requires to what is required. */
  readonly edges: readonly { readonly from: string; readonly to: string }[];
}

/** What has changed since the last time; the first one tells everything. */
export interface Change {
  /** Whether all that was told before is to be forgotten. */
  readonly whole: boolean;
  readonly supervisor: SupervisorView;
  readonly services: readonly ServiceView[];
  readonly removed: readonly string[];
  /** Where the services' names or requirements have changed. */
  readonly graph?: GraphLayout;
}

/** Lines of a service's log, and what is to be said about them. */
export interface LogLines {
  readonly lines?: readonly LogLine[];
  readonly notice?: string;
}

export interface LogLine {
  /** Milliseconds since the epoch; null where it is not known. */
  readonly time: number | null;
  readonly text: string;
}

/** The answer to an order. */
export interface OrderReply {
  readonly ok: boolean;
  readonly messages: readonly string[];
}

/** The orders that the page has buttons for. */
export const orders = ["start", "stop", "restart"] as const;
export type Order = (typeof orders)[number];

export function isOrder(text: string): text is Order {
  return (orders as readonly string[]).includes(text);
}
