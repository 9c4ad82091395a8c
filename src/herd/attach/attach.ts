// `herd attach SERVICE` and `herd detach SERVICE`: the terminal of a service on ours, by its console's socket.

import type { Socket } from "node:net";
import {
  decodeEnd,
  decodeObject,
  decodeWelcome,
  type End,
  encodeFrame,
  FrameReader,
  frameTypes,
  type Role,
} from "../../protocol/console.js";
import type { Reporter } from "../report.js";
import { findConsole, type Search } from "./connecting.js";
import { type DetachKey, parseDetachKey } from "./detach-key.js";
import { OwnTerminal } from "./own-terminal.js";

export interface AttachOptions extends Search {
  readonly readOnly: boolean;
  readonly detachKey: string;
}

/**
 * Runs until the service ends, the key is typed or the console is lost; gives the exit status, or undefined where an action
 * of the service is meant.
 */
export async function attach(options: AttachOptions, report: Reporter): Promise<0 | 1 | undefined> {
  const { readOnly } = options;
  const chosen = parseDetachKey(options.detachKey);
  const key = readOnly ? orInterrupt(chosen) : chosen;
  if (!readOnly && !(process.stdin.isTTY && process.stdout.isTTY)) {
    report.error("attach: standard input and output are to be a terminal");
    report.hint("With --read-only it only shows what is printed, wherever that goes.");
    return 1;
  }
  const console = await findConsole(options, "attach");
  if (console === "action") return undefined;
  if ("error" in console) return refuse(console, report);
  const { socket, name } = console;
  const terminal = new OwnTerminal(socket);
  const role: Role = readOnly ? "reader" : "viewer";
  const how = key === undefined || !process.stdin.isTTY ? "" : ` Detach with ${key.name}.`;
  const ended = converse(socket, { role, ...terminal.size }, (type, bytes) => {
    if (type === frameTypes.output) terminal.show(bytes);
    else if (type === frameTypes.welcome) {
      const { writes } = decodeWelcome(bytes);
      const only = readOnly ? " to look on" : " to look on while somebody else types";
      report.notice(`attached to ${name}${writes ? "" : only}.${how}`);
      terminal.begin(key);
    } else if (type === frameTypes.notice && decodeObject(bytes).writes === true)
      terminal.tell("what you type arrives from now on.");
  });
  try {
    return conclude(name, await Promise.race([ended, terminal.left]), report, () => terminal.restore());
  } finally {
    terminal.restore();
    socket.destroy();
  }
}

/** Who types nothing for a program can be meant by the key that interrupts one. */
function orInterrupt(key: DetachKey | undefined): DetachKey {
  const { name = "ctrl-c", sequences = [] } = key ?? {};
  return { name, sequences: [...sequences, Buffer.from([3])] };
}

/** Has all viewers of a service's console leave it. */
export async function detach(options: AttachOptions, report: Reporter): Promise<0 | 1 | undefined> {
  const console = await findConsole(options, "detach");
  if (console === "action") return undefined;
  if ("error" in console) return refuse(console, report);
  const { socket, name } = console;
  const end = await converse(socket, { role: "drop" satisfies Role }, () => undefined);
  socket.destroy();
  if (end.reason !== "done") return conclude(name, end, report);
  const { dropped = 0 } = end;
  report.notice(`${dropped} ${dropped === 1 ? "viewer" : "viewers"} of ${name} detached.`);
  return 0;
}

function refuse({ error, hint }: { readonly error: string; readonly hint?: string }, report: Reporter): 1 {
  report.error(error);
  if (hint !== undefined) report.hint(hint);
  return 1;
}

function conclude(
  service: string,
  { reason, text }: End,
  report: Reporter,
  beforehand: () => void = () => undefined,
): 0 | 1 {
  beforehand();
  switch (reason) {
    case "detached":
      report.notice(`detached from ${service}.`);
      return 0;
    case "ended":
      report.notice(`the terminal of ${service} was closed.`);
      return 0;
    case "slow":
      report.error(`dropped: what ${service} prints was read too slowly`);
      return 1;
    default:
      report.error(text ?? `the console of ${service} ended: ${reason}`);
      return 1;
  }
}

/** Why the conversation is over. */
function converse(socket: Socket, hello: object, heard: (type: number, bytes: Buffer) => void): Promise<End> {
  return new Promise((resolve) => {
    const reader = new FrameReader();
    const lost = (why: string): void => resolve({ reason: "failed", text: `the console is lost${why}` });
    socket.on("error", ({ message }) => lost(`: ${message}`));
    socket.on("close", () => lost(": its process has ended, and so its terminal was hung up"));
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const { type, bytes } of reader.feed(chunk)) {
          if (type === frameTypes.end) resolve(decodeEnd(bytes));
          else heard(type, bytes);
        }
      } catch (error) {
        resolve({ reason: "failed", text: error instanceof Error ? error.message : String(error) });
      }
    });
    socket.write(encodeFrame(frameTypes.hello, hello));
  });
}
