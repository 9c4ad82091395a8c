// The reload of a unit that runs: one at a time, and gone on with by the next daemon.

import { errorText } from "../error-text.js";
import type { Request } from "../request.js";
import { canReload } from "../units/defaults.js";
import { isReloading } from "../units/run.js";
import { reloadUnit } from "../units/runtime.js";
import { unitRun } from "./context.js";
import type { Core } from "./core.js";

export class Reloading {
  readonly #core: Core;
  #underWay: Promise<void> | undefined;
  #over: AbortController | undefined;

  constructor(core: Core) {
    this.#core = core;
  }

  get isPossible(): boolean {
    const run = unitRun(this.#core);
    return run !== undefined && canReload(run.service);
  }

  /** Rejects with why it failed; the service runs on. */
  reload(request: Request): Promise<void> {
    this.#underWay ??= this.#reload(request).finally(() => {
      this.#underWay = undefined;
      this.#over = undefined;
    });
    return this.#underWay;
  }

  /** Goes on with a reload that an earlier daemon had begun. */
  resume(request: Request): void {
    const core = this.#core;
    const run = unitRun(core);
    if (run === undefined || core.state.status !== "running" || !isReloading(run)) return;
    this.reload(request).catch((error: unknown) => core.log(errorText(error)));
  }

  /** The service runs no more, or is to end. */
  close(): void {
    this.#over?.abort(new Error(`service ${this.#core.name} is stopped`));
  }

  async #reload(request: Request): Promise<void> {
    const core = this.#core;
    const run = unitRun(core);
    if (run === undefined || !canReload(run.service))
      throw new Error(`service ${core.name} has nothing to reload`);
    if (core.state.status !== "running")
      throw new Error(`service ${core.name} is ${core.state.status}: only one that runs can be reloaded`);
    this.#over = new AbortController();
    core.log(`Reloading service ${core.name}...`);
    const reason = await reloadUnit(run, this.#over.signal, (line) => request.say(line));
    if (reason !== undefined) throw new Error(`reload of service ${core.name}: ${reason}`);
    core.log(`Service ${core.name} has been reloaded.`);
  }
}
