// Makes a service's terminal: starts its holder, and asks that for the terminal's name.

import { connect } from "node:net";
import {
  consoleSocket,
  decodeEnd,
  decodeWelcome,
  encodeFrame,
  FrameReader,
  frameTypes,
  type Role,
} from "../../protocol/console.js";
import type { HolderSettings } from "../../protocol/console-settings.js";
import type { Host, Identity } from "../constructors/host.js";
import { StartFailure } from "../constructors/host.js";
import { pipeName } from "../constructors/process-spec.js";
import type { TerminalOptions } from "../definition/types.js";
import { errorText } from "../error-text.js";
import type { Child } from "../processes.js";
import { type ConsolePlaces, closeConsole, holderId, watchHolder } from "./console.js";

const defaults = { columns: 80, rows: 24, scrollback: 131_072 } as const;
/** Milliseconds for a holder to come up, or to answer. */
const patience = 10_000;
/** A holder keeps little; most of what it takes would be unused heap. */
const nodeOptions = ["--max-semi-space-size=1", "--max-old-space-size=64"];

/**
 * Makes a terminal for a service that is about to start, and gives its name. Rejects with what a start fails of. An earlier
 * one of the service is hung up.
 */
export async function openConsole(
  host: Host,
  service: string,
  terminal: TerminalOptions | true,
  identity: Identity,
  signal: AbortSignal,
): Promise<string> {
  const { consoles } = host;
  if (consoles === undefined) throw new StartFailure("terminal: there is nothing here that makes terminals");
  await closeConsole(host, service);
  const { columns, rows, scrollback } = { ...defaults, ...(terminal === true ? {} : terminal) };
  const id = holderId(service);
  const listener = `${id}/socket`;
  const settings: HolderSettings = {
    columns,
    rows,
    scrollback,
    ...(identity.uid === undefined ? {} : { uid: identity.uid }),
  };
  const pipe = { name: pipeName(service) };
  const child = host.processes.spawn(
    id,
    {
      arguments: [process.execPath, ...nodeOptions, consoles.program, JSON.stringify(settings)],
      environment: [],
      directory: "/",
      session: "session",
      descriptors: [
        { target: 1, source: pipe },
        { target: 2, source: pipe },
        { target: 3, source: { name: listener } },
      ],
    },
    {
      before: [
        {
          op: "listen",
          name: listener,
          family: "unix",
          type: "stream",
          address: socketOf(consoles, service),
          mode: 0o600,
          directoryMode: 0o700,
        },
      ],
      // It is the holder's alone: nobody is to wait at the socket of one that has died.
      after: [{ op: "close", name: listener }],
    },
  );
  watchHolder(host, service, child);
  try {
    await child.started;
    const path = await ask(consoles, service, "terminal", child, signal);
    signal.throwIfAborted();
    return path;
  } catch (error) {
    await closeConsole(host, service);
    if (signal.aborted) throw error;
    throw new StartFailure(errorText(error));
  }
}

/** Resolves once the program runs: from then on its end is the console's. Rejects as `started` of the child does. */
export async function startedOnConsole(host: Host, service: string, child: Child): Promise<void> {
  try {
    await child.started;
  } catch (error) {
    await closeConsole(host, service);
    throw error;
  }
  const holder = host.processes.get(holderId(service));
  if (host.consoles === undefined || holder === undefined) return;
  // It may have ended as quickly as its service, or been killed: then there is nothing to tell.
  await ask(host.consoles, service, "taken", holder, AbortSignal.timeout(patience)).catch(
    (error: unknown) => {
      if (holder.end === undefined) host.report(`console of ${service}: ${errorText(error)}`);
    },
  );
}

function socketOf({ runtimeDirectory }: ConsolePlaces, service: string): string {
  try {
    return consoleSocket(runtimeDirectory, service);
  } catch (error) {
    throw new StartFailure(`terminal: ${errorText(error)}`);
  }
}

/** The terminal's name, as the holder says. */
async function ask(
  consoles: ConsolePlaces,
  service: string,
  role: Role,
  holder: Child,
  signal: AbortSignal,
): Promise<string> {
  const socket = connect(socketOf(consoles, service));
  const stop = new AbortController();
  const over = AbortSignal.any([signal, AbortSignal.timeout(patience), stop.signal]);
  holder.ended.then(() => stop.abort(new Error("terminal: its holder has ended"))).catch(() => undefined);
  const reader = new FrameReader();
  try {
    socket.write(encodeFrame(frameTypes.hello, { role }));
    const answer = new Promise<string>((resolve, reject) => {
      over.addEventListener("abort", () => reject(new Error(errorText(over.reason))));
      socket.on("error", reject);
      socket.on("close", () => reject(new Error("terminal: its holder says nothing")));
      socket.on("data", (chunk: Buffer) => {
        try {
          for (const { type, bytes } of reader.feed(chunk)) {
            if (type === frameTypes.welcome) resolve(decodeWelcome(bytes).terminal);
            else if (type === frameTypes.end) reject(new Error(decodeEnd(bytes).text ?? "terminal: refused"));
          }
        } catch (error) {
          reject(new Error(errorText(error)));
        }
      });
    });
    return await answer;
  } finally {
    socket.destroy();
  }
}
