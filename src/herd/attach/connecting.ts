// Finds the console that a service's name leads to, and says why there is none.

import { connect, type Socket } from "node:net";
import { dirname } from "node:path";
import { consoleSocket } from "../../protocol/console.js";
import type { Reply } from "../../protocol/messages.js";
import type { ServiceStatus } from "../../protocol/service-status.js";
import { commandErrorText } from "../report.js";
import { errorCode } from "../system-error.js";
import { toldStatus } from "../told-status.js";

/** Why there is no console to attach to. */
export interface NoConsole {
  readonly error: string;
  readonly hint?: string;
}

export interface Search {
  readonly service: string;
  /** The supervisor's. */
  readonly controlSocket: string;
  /** The service's status, where the supervisor answers soon. */
  readonly askStatus: () => Promise<Reply | undefined>;
}

/** A connection and the service's own name; `"action"` where the service has an action that is meant. */
export type Found = { readonly socket: Socket; readonly name: string } | NoConsole | "action";

/** The supervisor is asked only where nothing listens under the name itself, so that it need not live. */
export async function findConsole(
  { service, controlSocket, askStatus }: Search,
  action: string,
): Promise<Found> {
  const runtimeDirectory = dirname(controlSocket);
  const direct = await dial(runtimeDirectory, service);
  if (typeof direct === "object") return { socket: direct, name: service };
  const denied = (name: string): NoConsole => ({
    error: `the console of service ${name} is its supervisor's user's alone`,
    hint: "Run herd as that user, such as with sudo.",
  });
  if (direct === "EACCES" || direct === "EPERM") return denied(service);
  const reply = await askStatus();
  const status = toldStatus(reply);
  if (status === undefined) {
    const why = reply === undefined ? ", and the supervisor does not answer" : "";
    if (reply?.error !== undefined) return { error: commandErrorText(reply.error) };
    return { error: `service ${service} has no console${why}` };
  }
  if (status.actions.includes(action)) return "action";
  const [name] = status.provides;
  if (name !== service) {
    const other = await dial(runtimeDirectory, name);
    if (typeof other === "object") return { socket: other, name };
    if (other === "EACCES" || other === "EPERM") return denied(name);
  }
  return whyNone(name, status);
}

function whyNone(name: string, { status, running }: ServiceStatus): NoConsole {
  if (status !== "running")
    return {
      error: `service ${name} has no console now: it is ${status}`,
      ...(status === "stopped" ? { hint: `Run 'herd start ${name}' first.` } : {}),
    };
  const isProcess = running?.type === "process";
  return {
    error: `service ${name} runs without a console`,
    hint: isProcess
      ? "Its start needs 'terminal: true', from its next start on; see docs/terminals.md."
      : "Only services that run a program, with 'terminal: true', have one.",
  };
}

/** The connection, or the code of why there is none. */
function dial(runtimeDirectory: string, service: string): Promise<Socket | string | undefined> {
  let path: string;
  try {
    path = consoleSocket(runtimeDirectory, service);
  } catch {
    return Promise.resolve(undefined); // Nothing can listen there.
  }
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.removeAllListeners("error");
      resolve(socket);
    });
    socket.once("error", (error) => resolve(errorCode(error)));
  });
}
