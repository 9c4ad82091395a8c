// RuntimeMaxSec=: how long a unit may run. The keeper's timer counts, so that the time passes without a daemon too.

import { endless } from "./limit.js";
import type { UnitRun } from "./run.js";

export class RuntimeLimit {
  readonly #run: UnitRun;
  readonly #timer: string;

  /** @param over called when the time is over, in the step that acknowledges it */
  constructor(run: UnitRun, over: (reason: string) => void) {
    this.#run = run;
    this.#timer = `runtime/${run.name}`;
    const { RuntimeMaxSec = 0, RuntimeRandomizedExtraSec = 0 } = run.service;
    if (RuntimeMaxSec <= 0 || RuntimeMaxSec >= endless) return;
    const { deadlines } = run.host;
    const fire = (): void => over(`it has run for the ${RuntimeMaxSec} s that RuntimeMaxSec= allows`);
    if (deadlines.takeOver(this.#timer, fire) !== undefined) return;
    const since = run.state.statusChanges.find(({ status }) => status === "running")?.time;
    const ran = since === undefined ? 0 : Math.max(0, Date.now() / 1000 - since);
    const extra = Number.isFinite(RuntimeRandomizedExtraSec) ? Math.random() * RuntimeRandomizedExtraSec : 0;
    deadlines.arm(this.#timer, Math.max(0, RuntimeMaxSec + extra - ran), fire);
  }

  end(): void {
    this.#run.host.deadlines.disarm(this.#timer);
  }
}
