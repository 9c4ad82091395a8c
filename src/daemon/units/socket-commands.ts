// The commands that a socket unit runs by itself, before and after its sockets are opened and closed.

import type { Command } from "../../../systemd-compat/parser/command-line.js";
import { type Host, type StartContext, StartFailure } from "../constructors/host.js";
import { runPhase } from "./commands.js";
import { decode } from "./encoded.js";
import { tidyUnit } from "./execution/tidy.js";
import type { Phase } from "./execution/types.js";
import { UnitFailure } from "./failure.js";
import { hasBegun } from "./run.js";
import { asService, usualTimeout } from "./socket-as-service.js";
import type { UnitSocketData } from "./types.js";

const settingOf = {
  "start-pre": "ExecStartPre",
  "start-post": "ExecStartPost",
  stop: "ExecStopPre",
  "stop-post": "ExecStopPost",
} as const satisfies Partial<Record<Phase, string>>;

type SocketPhase = keyof typeof settingOf;

/** The phases of a start and of a stop, in order. */
const phases: Readonly<Record<SocketPhase, readonly Phase[]>> = {
  "start-pre": ["start-post"],
  "start-post": [],
  stop: ["stop-post"],
  "stop-post": [],
};

/** Takes away what was made for the commands to run in, where there are any. */
export async function tidySocket(
  host: Host,
  { name }: Pick<StartContext, "name">,
  data: UnitSocketData,
  restarting: boolean,
): Promise<void> {
  const settings = decode(data.socket);
  if (Object.values(settingOf).every((setting) => (settings[setting] ?? []).length === 0)) return;
  const { unitPlaces: places } = host;
  const options = { restarting, ...(places === undefined ? {} : { places }) };
  await tidyUnit(host, name, asService(data), options);
}

/**
 * Runs the commands of a phase, but for those that an earlier daemon has run. Rejects with a UnitFailure
 * where one fails.
 */
export async function runSocketCommands(
  context: StartContext,
  data: UnitSocketData,
  phase: SocketPhase,
): Promise<void> {
  const settings = decode(data.socket);
  const commands: readonly Command[] = settings[settingOf[phase]] ?? [];
  if (commands.length === 0) return;
  const { unit } = context;
  if (unit === undefined) throw new StartFailure(`${settingOf[phase]}= is for a service that is a unit`);
  if (hasBegun(unit.state, phases[phase])) return;
  const failure = await runPhase(unit, phase, commands, {
    timeout: settings.TimeoutSec ?? usualTimeout,
    signal: context.signal,
    say: context.say,
  });
  if (failure !== undefined) throw new UnitFailure(failure.result, failure.reason);
}
