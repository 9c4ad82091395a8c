// The one stop that is under way: from the note that it began until nothing of the service is left.

import { closeConsole, hasConsole } from "../console/console.js";
import { endRest, type ImminentEnd } from "../constructors/kill.js";
import { builtin, type RunningValue } from "../definition/types.js";
import type { Child } from "../processes.js";
import type { Request } from "../request.js";
import type { Aftermaths } from "./aftermath.js";
import type { Attending } from "./attending.js";
import { contextOf, unitRun } from "./context.js";
import type { Core } from "./core.js";
import { destruct } from "./destruct.js";
import type { Ending } from "./ending.js";
import type { Reloading } from "./reloading.js";
import { defaultGrace, endOwnProcesses } from "./remains.js";
import { isProcess } from "./running-value.js";
import { settledWithin } from "./settled-within.js";
import type { Starting } from "./starting.js";

/** What a stop puts an end to. */
interface Others {
  readonly starting: Starting;
  readonly ending: Ending;
  readonly attending: Attending;
  readonly aftermaths: Aftermaths;
  readonly reloading: Reloading;
}

export class Stopping {
  readonly #core: Core;
  readonly #others: Others;
  #stopping: Promise<void> | undefined;

  constructor(core: Core, others: Others) {
    this.#core = core;
    this.#others = others;
  }

  get isUnderWay(): boolean {
    return this.#stopping !== undefined || this.#others.aftermaths.isUnderWay;
  }

  /** The process, and how it is ended, where a stop would do that at once, and nothing before it. */
  get imminentEnd(): ImminentEnd | undefined {
    const core = this.#core;
    const { status, value } = core.state;
    if (status !== "running" || !isProcess(value) || this.isUnderWay) return undefined;
    if (this.#others.attending.resuming !== undefined || unitRun(core) !== undefined) return undefined;
    const data = core.definition.stop[builtin];
    return data?.kind === "kill" ? { process: value, options: data } : undefined;
  }

  /**
   * Stops the service, whose dependents are stopped; concurrent callers share one stop. Rejects with what user
   * code threw; the service is stopped then too.
   */
  async stop(args: readonly string[], request: Request): Promise<void> {
    if (this.#stopping !== undefined) {
      await this.#stopping;
      return;
    }
    const core = this.#core;
    const { starting, ending, attending, aftermaths, reloading } = this.#others;
    ending.cancelRespawn();
    await aftermaths.makeFinal();
    const cancelled = starting.cancel();
    if (cancelled !== undefined) {
      await cancelled;
      // It came up all the same, and another caller was first to see that.
      if (this.#stopping !== undefined) await this.#stopping;
    }
    if (attending.resuming !== undefined) {
      // User code, which may never come to an end.
      await settledWithin(defaultGrace, attending.resuming);
      if (this.#stopping !== undefined) await this.#stopping;
    }
    if (core.state.status !== "running") {
      core.closeIfDown();
      return;
    }
    const value = core.state.value ?? true;
    core.log(`Stopping service ${core.name}...`);
    core.dispatch({ type: "stop", time: core.now() });
    attending.close();
    reloading.close();
    await this.finish(this.destruct(value, args, request));
  }

  /** The definition's own stop. @param begun the shell of a stop by command that an earlier daemon has begun */
  destruct(value: RunningValue, args: readonly string[], request: Request, begun?: Child): Promise<void> {
    const core = this.#core;
    // Nobody cancels a stop.
    let never: AbortSignal | undefined;
    const context = contextOf(core, request, () => {
      never ??= new AbortController().signal;
      return never;
    });
    const { host, log, definition } = core;
    return destruct(host, definition, { context, value, args, request, begun, log });
  }

  /** The service is stopped when `work` is over, however that was; rejects as `work` does. */
  finish(work: Promise<void>): Promise<void> {
    const stopping = this.#finish(work);
    this.#stopping = stopping;
    return stopping;
  }

  async #finish(work: Promise<void>): Promise<void> {
    const core = this.#core;
    try {
      await work;
    } finally {
      // What a unit leaves running on purpose (KillMode=) stays.
      if (unitRun(core) === undefined) {
        await endOwnProcesses(core.host, core.state.processes);
        if (isProcess(core.state.value)) await endRest(core.host, core.name, defaultGrace);
      }
      if (hasConsole(core.host, core.name)) await closeConsole(core.host, core.name);
      this.#stopping = undefined;
      core.log(`Service ${core.name} stopped.`);
      core.dispatch({ type: "stopped", time: core.now(), explicit: true });
      core.closeIfDown();
      core.log(`Service ${core.name} is now stopped.`);
      core.environment.stopped(true);
      // Whoever reads them has to come to an end with that first, as the log writer with the system log.
      await core.host.sockets.closing(core.name);
    }
  }
}
