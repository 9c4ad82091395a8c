// The control socket as bytes: what a GNU herd sends, and connections that misbehave. Uses nothing of src, so that a
// mistake there cannot hide itself.

import { once } from "node:events";
import { connect, type Socket } from "node:net";

/** The request that GNU herd 1.0 sends for `herd ACTION SERVICE ARGUMENT...`. */
export function gnuRequest(action: string, service: string, ...args: readonly string[]): string {
  const quoted = args.map((argument) => JSON.stringify(argument)).join(" ");
  return `(shepherd-command (version 0) (action ${action}) (service ${service}) (arguments (${quoted})) (directory "/"))\n`;
}

/** A connection that is kept open and says only what it is told to. */
export async function open(socket: string): Promise<Socket> {
  const connection = connect(socket);
  await once(connection, "connect");
  // A server that closes on a misbehaving client is what we are after.
  connection.on("error", () => {});
  return connection;
}

export interface Answer {
  readonly text: string;
  /** Whether the server closed; false if it said nothing for `silence` milliseconds. */
  readonly closed: boolean;
}

/** Sends bytes, and gives everything that comes until the server closes, or until it was silent for `silence` ms. */
export async function exchange(
  socket: string,
  bytes: string | Uint8Array,
  silence = 30_000,
): Promise<Answer> {
  const connection = await open(socket);
  return new Promise((resolve) => {
    let text = "";
    const finish = (closed: boolean): void => {
      connection.destroy();
      resolve({ text, closed });
    };
    connection.setEncoding("utf8").on("data", (chunk: string) => {
      text += chunk;
    });
    connection.on("close", () => finish(true));
    connection.setTimeout(silence, () => finish(false));
    connection.write(bytes);
  });
}

/** What a reply's service expression says, as far as the tests ask for it. */
export interface ServiceReply {
  readonly status: string;
  readonly enabled: boolean;
  /** In the daemon's PID namespace. */
  readonly pid: number | undefined;
  /** Epoch seconds, newest first. */
  readonly respawns: readonly number[];
  /** Raw wait statuses, newest first. */
  readonly exits: readonly number[];
  readonly changes: readonly { readonly status: string; readonly time: number }[];
  readonly pendingReplacement: boolean;
  readonly text: string;
}

export function parseService(text: string): ServiceReply | undefined {
  const status = text.match(/\(status (stopped|starting|running|stopping)\)/)?.[1];
  if (status === undefined) return undefined;
  const pid = text.match(/\(process \(version 0\) \(id (\d+)\)/)?.[1];
  return {
    status,
    enabled: text.includes("(enabled? #t)"),
    pid: pid === undefined ? undefined : Number(pid),
    respawns: (text.match(/\(last-respawns \(([^)]*)\)\)/)?.[1] ?? "").split(" ").filter(Boolean).map(Number),
    exits: pairs(text, "exit-statuses").map(([exit]) => Number(exit)),
    changes: pairs(text, "status-changes").map(([change, time]) => ({ status: change, time: Number(time) })),
    pendingReplacement: text.includes("(pending-replacement? #t)"),
    text,
  };
}

/** The pairs of a field such as `(exit-statuses ((256 . 1763672962) ...))`. */
function pairs(text: string, field: string): readonly (readonly [string, string])[] {
  const list = text.match(new RegExp(`\\(${field} \\(((?:\\([^()]*\\) ?)*)\\)\\)`))?.[1] ?? "";
  return [...list.matchAll(/\((\S+) \. (\S+)\)/g)].map((match) => [match[1] ?? "", match[2] ?? ""] as const);
}
