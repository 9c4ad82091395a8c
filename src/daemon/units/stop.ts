// The end of a unit: the commands of ExecStop=, the end of its processes, the commands of ExecStopPost=, and the tidying. A
// stop that was asked for, a run that ended by itself and a start that failed come to it alike, each from its own place on.

import type { Aftermath } from "../controller/state.js";
import { errorText } from "../error-text.js";
import { runPhase } from "./commands.js";
import { closeConnection } from "./connection.js";
import { killSettings, stopTimeout } from "./defaults.js";
import { type Places, placesOf } from "./execution/places.js";
import { readRecord } from "./execution/record.js";
import { tidyUnit } from "./execution/tidy.js";
import type { Phase } from "./execution/types.js";
import { type Ended, endUnit } from "./kill.js";
import { commandAdditions, withVariables } from "./main-process.js";
import { resultVariables, type UnitResult } from "./result.js";
import { hasBegun, mainStatus, type UnitRun } from "./run.js";

/** What is to be done. */
export interface Finish {
  /** Whether ExecStop= is run: not after a start that has failed. */
  readonly commands: boolean;
  readonly by?: Aftermath["by"];
  say(line: string): void;
  /** Whether it is started again, as far as is known when all has ended. */
  isRestarting(): boolean;
}

/** Does what is left to do of a unit's end, this daemon's or an earlier one's; resolves when nothing is. */
export async function finishUnit(run: UnitRun, finish: Finish): Promise<void> {
  const { name, data, service, host } = run;
  const { say } = finish;
  let by = finish.by;
  let ended: Ended = "in time";
  if (!hasBegun(run.state, ["stop-post"])) {
    if (finish.commands && (await commandFails(run, "stop", say)))
      by = modeOf(service.TimeoutStopFailureMode);
    ended = await endUnit(run, { pass: "stop", by, say });
    if (ended === "late" || (ended === "left" && killSettings(service).mode !== "none"))
      failed(run, "timeout");
  }
  await commandFails(run, "stop-post", say);
  // What these commands have left.
  if (ended !== "left") await endUnit(run, { pass: "final", by: undefined, say });
  if (run.state.result === undefined) run.dispatch({ type: "result", result: "success" });
  closeConnection(host, data);
  const { unitPlaces: places } = host;
  const restarting = finish.isRestarting();
  await keepInvocation(run, places);
  await tidyUnit(host, name, data, { restarting, ...(places === undefined ? {} : { places }) }).catch(
    (error: unknown) => host.report(`tidy up after ${name}: ${errorText(error)}`),
  );
}

/** For those that are started for its end: what is known of the run goes with the tidying. */
async function keepInvocation(
  { host, name, state, dispatch }: UnitRun,
  places: Places | undefined,
): Promise<void> {
  const { onFailure, onSuccess } = host.states.of(name)?.definition.relations ?? {};
  if ((onFailure ?? onSuccess) === undefined || state.invocation !== undefined) return;
  const record = await readRecord(places ?? placesOf(host), name).catch(() => undefined);
  if (record !== undefined) dispatch({ type: "invocation", invocation: record.invocation });
}

function modeOf(mode: "terminate" | "abort" | "kill" = "terminate"): Aftermath["by"] {
  return mode === "terminate" ? undefined : mode;
}

/** Runs the commands of a phase of the stop; resolves with whether one of them took too long. */
async function commandFails(
  run: UnitRun,
  phase: Extract<Phase, "stop" | "stop-post">,
  say: (line: string) => void,
): Promise<boolean> {
  const { service, state } = run;
  const commands = (phase === "stop" ? service.ExecStop : service.ExecStopPost) ?? [];
  if (commands.length === 0) return false;
  const failure = await runPhase(run, phase, commands, {
    timeout: stopTimeout(service),
    say,
    additions: async () => {
      const variables = resultVariables(run.state.result ?? "success", mainStatus(state));
      return withVariables(await commandAdditions(run), variables);
    },
  });
  if (failure === undefined) return false;
  say(`Service ${run.name}: ${failure.reason}.`);
  failed(run, failure.result);
  return failure.result === "timeout";
}

/** The first failure is what is told. */
function failed(run: UnitRun, result: UnitResult): void {
  if ((run.state.result ?? "success") === "success") run.dispatch({ type: "result", result });
}
