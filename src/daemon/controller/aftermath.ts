// What follows the run of a unit that ended by itself, and a start of one that failed or is over: its processes are ended, its
// last commands run, and Restart= decides. It is noted from its first instant on, and the next daemon goes on with it.

import { errorText } from "../error-text.js";
import type { Request } from "../request.js";
import { isRestarted } from "../units/result.js";
import { mainStatus } from "../units/run.js";
import { finishUnit } from "../units/runtime.js";
import { unitRun } from "./context.js";
import type { Core } from "./core.js";
import type { Ending } from "./ending.js";
import type { Aftermath } from "./state.js";

export class Aftermaths {
  readonly #core: Core;
  readonly #ending: Ending;
  #underWay: Promise<void> | undefined;

  constructor(core: Core, ending: Ending) {
    this.#core = core;
    this.#ending = ending;
  }

  get isUnderWay(): boolean {
    return this.#underWay !== undefined;
  }

  /** Notes, in the turn of what caused it, what is over, and does the rest; resolves when the unit is stopped. */
  begin(aftermath: Aftermath, request: Request): Promise<void> {
    const core = this.#core;
    core.dispatch({ type: "aftermath", time: core.now(), aftermath });
    core.attendant.end();
    return this.resume(request);
  }

  /** Goes on with what is noted; never rejects. */
  resume(request: Request): Promise<void> {
    this.#underWay ??= this.#carryOut(request)
      .catch((error: unknown) => this.#core.host.report(errorText(error)))
      .then(() => {
        this.#underWay = undefined;
        this.#over();
      });
    return this.#underWay;
  }

  /** Somebody wants it stopped: it is not started again. Resolves when it is stopped; undefined where none is under way. */
  makeFinal(): Promise<void> | undefined {
    const core = this.#core;
    if (core.state.aftermath !== undefined && core.state.aftermath.final !== true)
      core.dispatch({ type: "aftermath-final" });
    return this.#underWay;
  }

  async #carryOut(request: Request): Promise<void> {
    const core = this.#core;
    const run = unitRun(core);
    const { aftermath } = core.state;
    if (run === undefined || aftermath === undefined) return;
    const { commands = false, by, of, result } = aftermath;
    if (of === "run" && result === "signal") {
      await this.#ending.tellOutOfMemory();
      if (core.state.exitStatuses[0]?.outOfMemory === true)
        core.dispatch({ type: "result", result: "oom-kill" });
    }
    await finishUnit(run, {
      commands,
      by,
      say: (line) => request.say(line),
      isRestarting: () => this.#isRestarted(),
    });
  }

  /** Whether it is started again, as far as is known by now. */
  #isRestarted(): boolean {
    const core = this.#core;
    const run = unitRun(core);
    const { aftermath, result = "success", enabled } = core.state;
    if (run === undefined || aftermath === undefined || !enabled) return false;
    const { of, final = false } = aftermath;
    if (final || of === "cancelled" || of === "skipped" || core.environment.shuttingDown()) return false;
    return isRestarted(run.service, result, mainStatus(core.state));
  }

  /** All of it is one step: whoever finds it stopped finds also what follows. */
  #over(): void {
    const core = this.#core;
    const { aftermath } = core.state;
    if (aftermath === undefined) return;
    const restarted = this.#isRestarted();
    core.host.logs.ended(core.name);
    core.host.outbox.together(() => {
      core.dispatch({ type: "aftermath-over", time: core.now() });
      const { of } = aftermath;
      if (of === "run") core.log(`Service ${core.name} is now stopped.`);
      core.environment.stopped(of === "run" || of === "done");
      // Of a one-shot whose work is done, and of a start that somebody has given up, nothing follows.
      if (of === "run" || of === "failed") this.#ending.followUnit(restarted, of);
      else if (of === "done" && restarted) this.#ending.followUnit(restarted, of);
      else core.closeIfDown();
    });
  }
}
