// What tests of consoles share: services with terminals, who attaches to them, and the processes that hold them.

import { connect, type Socket } from "node:net";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { consoleSocket } from "../../src/protocol/console.js";
import { clientEnvironment, type Scope, type System } from "./harness.js";
import { project } from "./project.js";
import { openWindow, type Window, type WindowOptions, withoutTerminals } from "./terminals.js";

/** A test that needs terminals. */
export const it = (name: string, body: (t: TestContext) => Promise<void>): void => {
  test(name, { skip: withoutTerminals }, body);
};

export const herd = join(project.bin, "herd");
export const detachKey = "\u001d";

/** A service that is an interactive shell; `fields` are more of its options. */
export function shellService(
  names: readonly string[],
  fields = "respawn: false",
  options = "terminal: true",
): string {
  const start = `makeForkexecConstructor(["/bin/sh", "-i"], { ${options}, extraEnvironmentVariables: ["PS1=ready> "] })`;
  return `service(${JSON.stringify(names)}, { start: ${start}, stop: makeKillDestructor("SIGHUP"), ${fields} })`;
}

export function attach(
  scope: Scope,
  system: System,
  args: readonly string[],
  options: WindowOptions = {},
): Window {
  return openWindow(scope, herd, ["-s", system.socket, "attach", ...args], {
    ...options,
    env: clientEnvironment as Record<string, string>,
  });
}

/** The processes that hold terminals, by their numbers inside. */
export function holders(system: System): readonly number[] {
  return system
    .processes()
    .filter(({ command, state }) => state !== "Z" && command.some((word) => word.endsWith("/console.cjs")))
    .map(({ inner }) => inner);
}

export async function untilNoHolder(system: System): Promise<void> {
  await system.waitFor("no console is left", () => holders(system).length === 0);
}

/** Speaks with a console by itself. */
export function raw(scope: Scope, system: System, service: string): Socket {
  const socket = connect(consoleSocket(join(system.directory, "run"), service));
  socket.on("error", () => undefined);
  scope.after(() => {
    socket.destroy();
  });
  return socket;
}
