// Goes through the stop of a service that is none, when there is time: the engine compiles a function when it is called for
// the first time, and the first stop, most likely that of everything, need not wait for all of them.

import type { Host } from "./constructors/host.js";
import { endProcess, endsAlike } from "./constructors/kill.js";
import { Controller } from "./controller/controller.js";
import { gently } from "./controller/remains.js";
import { initialState } from "./controller/state.js";
import { plain } from "./definition/plain.js";
import { builtin } from "./definition/types.js";
import { errorText } from "./error-text.js";
import { Request } from "./request.js";
import type { Supervisor } from "./supervisor.js";
import { findSurvivors } from "./survivors.js";

/** No service's: those have no such sign in their names, nor children of the keeper this one. */
const nobody = "#nobody";
/** Of so many that stop in one turn the descendants are looked up otherwise than of one. */
const many = 8;
const nothing = (): undefined => undefined;

/** How long, in ms, after the start. */
const rest = 750;

export function rehearseSoon(host: Host, supervisor: Supervisor): void {
  setTimeout(() => {
    rehearseStop(host, supervisor).catch((error: unknown) => host.report(errorText(error)));
  }, rest).unref();
}

/** Changes nothing, and asks nothing of the keeper. */
export async function rehearseStop(host: Host, supervisor: Supervisor): Promise<void> {
  const request = new Request(nothing, nothing);
  await supervisor.rehearseStop(request, (first) => void endsAlike(host, first));
  const stop = Object.assign(nothing, { [builtin]: { kind: "kill", ...gently } as const });
  const controller = new Controller(
    {
      provision: [nobody],
      ...plain,
      start: () => true,
      stop,
      actions: [],
      autoStart: false,
      documentation: "",
    },
    () => ({
      host,
      now: () => 0,
      log: nothing,
      record: nothing,
      redefined: nothing,
      mayBeSucceeded: () => false,
      shuttingDown: () => false,
      respawn: nothing,
      finish: nothing,
      settled: nothing,
      stopped: nothing,
    }),
    { ...initialState, status: "running", value: true },
  );
  await controller.stop([], request);
  await endProcess(host, { type: "process", id: nobody, pid: 0, start: 0, command: [] }, gently, nothing);
  const kin = { leader: process.pid, lives: true, mark: nobody };
  await Promise.all(Array.from({ length: many }, () => findSurvivors(kin, host.strangers)));
}
