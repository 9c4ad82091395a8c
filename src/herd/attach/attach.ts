// `herd attach SERVICE` and `herd detach SERVICE`: the terminal of a service on ours, by its console's socket. The supervisor
// is not asked, and need not live.

import { connect } from "node:net";
import { dirname } from "node:path";
import {
  consoleSocket,
  decodeEnd,
  decodeWelcome,
  type End,
  encodeBytes,
  encodeFrame,
  FrameReader,
  frameTypes,
  type Role,
} from "../../protocol/console.js";
import type { Reporter } from "../report.js";
import { beforeKey, parseDetachKey } from "./detach-key.js";
import { TerminalModes } from "./terminal-modes.js";

export interface AttachOptions {
  readonly service: string;
  /** The supervisor's. */
  readonly controlSocket: string;
  readonly readOnly: boolean;
  readonly detachKey: string;
}

/** Runs until the service ends, the key is typed or the console is lost; gives the exit status. */
export async function attach(options: AttachOptions, report: Reporter): Promise<0 | 1> {
  const key = parseDetachKey(options.detachKey);
  const { stdin, stdout } = process;
  const size = (): object => (stdout.isTTY ? { columns: stdout.columns, rows: stdout.rows } : {});
  const modes = new TerminalModes();
  const role: Role = options.readOnly || !stdin.isTTY ? "reader" : "viewer";
  const how = key === undefined ? "" : ` Detach with ${key.name}.`;
  const end = await converse(
    options,
    { role, ...size() },
    (type, bytes) => {
      if (type === frameTypes.output) {
        modes.see(bytes);
        stdout.write(bytes);
      } else if (type === frameTypes.welcome) {
        const only = decodeWelcome(bytes).writes ? "" : " (read-only)";
        report.notice(`attached to ${options.service}${only}.${how}`);
        if (stdout.isTTY) stdout.write("\r");
      } else if (type === frameTypes.notice) report.notice("what you type arrives from now on.");
    },
    (socket) => {
      const detach = (): void => {
        socket.emit("left");
      };
      stdin.on("data", (typed: Buffer) => {
        const before = beforeKey(typed, key);
        for (const frame of encodeBytes(frameTypes.input, before ?? typed)) socket.write(frame);
        if (before !== undefined) detach();
      });
      stdout.on("resize", () => socket.write(encodeFrame(frameTypes.resize, size())));
      for (const signal of ["SIGTERM", "SIGHUP", "SIGINT"] as const) process.on(signal, detach);
      if (stdin.isTTY) stdin.setRawMode(true);
    },
  );
  if (stdin.isTTY) stdin.setRawMode(false);
  stdin.pause();
  if (stdout.isTTY) stdout.write(`${modes.reset()}\r\n`);
  return conclude(options.service, end, report);
}

/** Has all viewers of a service's console leave it. */
export async function detach(options: AttachOptions, report: Reporter): Promise<0 | 1> {
  const end = await converse(options, { role: "drop" satisfies Role }, () => undefined);
  if (end.reason !== "done") return conclude(options.service, end, report);
  report.notice(`${end.dropped ?? 0} viewers of ${options.service} were detached.`);
  return 0;
}

function conclude(service: string, { reason, text }: End, report: Reporter): 0 | 1 {
  if (reason === "detached") report.notice(`detached from ${service}.`);
  else if (reason === "ended") report.notice(`${service} has ended, and so has its console.`);
  else
    report.error(text ?? (reason === "slow" ? "dropped: the console's output was read too slowly" : reason));
  return reason === "detached" || reason === "ended" ? 0 : 1;
}

function converse(
  { controlSocket, service }: AttachOptions,
  hello: object,
  heard: (type: number, bytes: Buffer) => void,
  begun?: (socket: ReturnType<typeof connect>) => void,
): Promise<End> {
  return new Promise((resolve) => {
    const socket = connect(consoleSocket(dirname(controlSocket), service));
    const reader = new FrameReader();
    const over = (end: End): void => {
      resolve(end);
      socket.destroy();
    };
    socket.on("connect", () => {
      socket.write(encodeFrame(frameTypes.hello, hello));
      begun?.(socket);
    });
    socket.on("left", () => over({ reason: "detached" }));
    socket.on("error", ({ message }) =>
      over({ reason: "failed", text: `${service} has no console: ${message}` }),
    );
    socket.on("close", () => over({ reason: "failed", text: `the console of ${service} is lost` }));
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const { type, bytes } of reader.feed(chunk)) {
          if (type === frameTypes.end) over(decodeEnd(bytes));
          else heard(type, bytes);
        }
      } catch (error) {
        over({ reason: "failed", text: String(error) });
      }
    });
  });
}
