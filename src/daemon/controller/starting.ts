// The one start that is under way: from the note that it began to a running service, a failure or a cancellation.

import { startBuiltin } from "../constructors/builtin.js";
import { StartFailure } from "../constructors/host.js";
import { endRest } from "../constructors/kill.js";
import type { RunningValue } from "../definition/types.js";
import { errorText } from "../error-text.js";
import { SpawnError } from "../processes.js";
import { type Request, runFor } from "../request.js";
import { isOneShot } from "../units/defaults.js";
import { Skipped, UnitFailure } from "../units/failure.js";
import { runAsUserCode } from "../user-code.js";
import type { Aftermaths } from "./aftermath.js";
import type { Attending } from "./attending.js";
import { cancellable } from "./cancellable.js";
import { contextOf, unitRun } from "./context.js";
import type { Core } from "./core.js";
import type { Ending } from "./ending.js";
import { formatValue } from "./format.js";
import { checked } from "./made-value.js";
import { defaultGrace, discard, endOwnProcesses } from "./remains.js";
import { durable, isProcess } from "./running-value.js";

/** Bytes of the arguments of a start function, which are noted. */
const longestArguments = 65_536;

/** How a start ended: well also where a condition has left it out. An exception of user code is passed on as it is. */
export type StartOutcome = { readonly ok: true } | { readonly ok: false; readonly exception?: unknown };

/** What gives the running value; it ends what it has made when the signal is aborted. */
export type Construct = (signal: AbortSignal) => Promise<RunningValue | undefined>;

export interface Attempt {
  readonly outcome: Promise<StartOutcome>;
  readonly abort: AbortController;
}

export class Starting {
  readonly #core: Core;
  readonly #ending: Ending;
  readonly #attending: Attending;
  readonly #aftermaths: Aftermaths;
  #attempt: Attempt | undefined;

  constructor(core: Core, ending: Ending, attending: Attending, aftermaths: Aftermaths) {
    this.#core = core;
    this.#ending = ending;
    this.#attending = attending;
    this.#aftermaths = aftermaths;
  }

  /** Whether the start that is under way is being cancelled. */
  get isCancelled(): boolean {
    return this.#attempt?.abort.signal.aborted === true;
  }

  /** Starts the service, whose requirements run; concurrent callers share one attempt. */
  start(args: readonly string[], request: Request): Promise<StartOutcome> {
    if (this.#attempt !== undefined) return this.#attempt.outcome;
    const core = this.#core;
    // A built-in start has no use for them.
    const kept = core.builtinStart === undefined ? args : [];
    if (Buffer.byteLength(kept.join("")) > longestArguments) {
      request.say(
        `Failed to start ${core.name}: its arguments have more than ${longestArguments} bytes; put them into a file.`,
      );
      core.want(undefined);
      return Promise.resolve({ ok: false });
    }
    this.#ending.disarmRespawn();
    const abort = new AbortController();
    // The body runs in this very turn up to its first wait, and expects the attempt to be known by then.
    const attempt: Attempt = {
      abort,
      outcome: Promise.resolve().then(() => {
        core.log(`Starting service ${core.name}...`);
        return this.#run((signal) => this.construct(args, request, signal), request, abort.signal);
      }),
    };
    this.#attempt = attempt;
    const unit = core.builtinStart?.kind === "unit" ? { unit: true as const } : {};
    core.dispatch({ type: "start", time: core.now(), arguments: kept, ...unit });
    return attempt.outcome.finally(() => this.#forget(attempt));
  }

  /** Carries a start to its end that an earlier daemon has begun. */
  resume(construct: Construct, request: Request): Attempt {
    const abort = new AbortController();
    const attempt: Attempt = { abort, outcome: this.#run(construct, request, abort.signal) };
    this.#attempt = attempt;
    const forget = (): void => this.#forget(attempt);
    attempt.outcome.then(forget, forget);
    return attempt;
  }

  /** Cancels the start that is under way; the result settles when it is over. */
  cancel(): Promise<StartOutcome> | undefined {
    this.#attempt?.abort.abort(new Error(`service ${this.#core.name} is being stopped`));
    return this.#attempt?.outcome;
  }

  /** What the definition's start gives. */
  construct(
    args: readonly string[],
    request: Request,
    signal: AbortSignal,
  ): Promise<RunningValue | undefined> {
    const { host, name, builtinStart: data, definition } = this.#core;
    const context = contextOf(this.#core, request, () => signal);
    // An earlier definition may have had some.
    const listens = data !== undefined && ("endpoints" in data || data.kind === "unit-socket");
    if (!listens) host.sockets.close(name);
    if (data !== undefined) return startBuiltin(host, context, data);
    const { start } = definition;
    return runFor(request, () => runAsUserCode(`start of service ${name}`, context, () => start(...args)));
  }

  #forget(attempt: Attempt): void {
    if (this.#attempt === attempt) this.#attempt = undefined;
  }

  async #run(construct: Construct, request: Request, signal: AbortSignal): Promise<StartOutcome> {
    const core = this.#core;
    await this.#ending.cleanup;
    try {
      signal.throwIfAborted();
      await this.#prepareCgroup(request);
      signal.throwIfAborted();
      const value = await cancellable(construct(signal), signal, (late) => this.#discard(late));
      if (value === false) throw new StartFailure(`the start of ${core.name} returned false`);
      await this.#started(checked(core, durable(value)), request);
      return { ok: true };
    } catch (exception) {
      if (exception instanceof Skipped && !exception.byCommand && !signal.aborted)
        return this.#skipped(exception, request);
      if (unitRun(core) !== undefined) return await this.#unitFailed(exception, request, signal);
      // What failed must not run on beside the next attempt; a start function may never return to end it.
      await endOwnProcesses(core.host, core.state.processes);
      // What has left its session, or was made by what has ended since.
      if (core.state.processes.length > 0) await endRest(core.host, core.name, defaultGrace);
      return signal.aborted ? this.#cancelled(request) : this.#failed(exception, request);
    }
  }

  /** Without a cgroup, or without its limits, the service starts all the same. */
  async #prepareCgroup(request: Request): Promise<void> {
    const { host, name, state } = this.#core;
    const isNew = state.processes.length === 0;
    for (const trouble of await host.cgroups.prepare(name, isNew))
      request.say(`Service ${name}: ${trouble}.`);
  }

  /** Resolves at once, but for a unit whose work is done: that is over when its aftermath is. */
  async #started(value: RunningValue, request: Request): Promise<void> {
    const core = this.#core;
    const time = core.now();
    core.log(`Service ${core.name} started.`);
    const unit = unitRun(core);
    if (unit !== undefined && isOneShot(unit.service)) {
      await this.#aftermaths.begin({ of: "done", result: "success", commands: true }, request);
      return;
    }
    if (core.definition.oneShot) {
      core.dispatch({ type: "one-shot-done", time });
      core.closeIfDown();
      core.environment.stopped(true);
      return;
    }
    core.log(`Service ${core.name} running with value ${formatValue(value)}.`);
    core.dispatch({ type: "started", time, value, ...(isProcess(value) ? { child: value.id } : {}) });
    this.#attending.watch(value);
  }

  /** The start of a unit failed, was skipped or given up: what it has begun is ended as the unit has it. */
  async #unitFailed(exception: unknown, request: Request, signal: AbortSignal): Promise<StartOutcome> {
    const core = this.#core;
    if (signal.aborted) {
      await this.#aftermaths.begin({ of: "cancelled", result: "success" }, request);
      core.log(`Start of service ${core.name} was cancelled.`);
      request.say(`The start of service ${core.name} was cancelled by a stop.`);
      return { ok: false };
    }
    const reason = errorText(exception);
    if (exception instanceof Skipped) {
      request.say(`Service ${core.name} is skipped: ${reason}.`);
      await this.#aftermaths.begin({ of: "skipped", result: "exec-condition", reason }, request);
      return { ok: true };
    }
    core.log(`Service ${core.name} failed to start.`);
    request.say(`Failed to start ${core.name}: ${reason}`);
    const { result, by, isClean } =
      exception instanceof UnitFailure
        ? exception
        : { result: "resources" as const, by: undefined, isClean: false };
    if (isClean) {
      core.dispatch({ type: "start-failed", time: core.now(), reason, result });
      core.closeIfDown();
      core.environment.stopped(false);
      return { ok: false };
    }
    await this.#aftermaths.begin(
      { of: "failed", result, reason, ...(by === undefined ? {} : { by }) },
      request,
    );
    return { ok: false };
  }

  /** A condition of a unit does not hold: nothing was begun, and whoever requires it goes on. */
  #skipped({ message: reason }: Skipped, request: Request): StartOutcome {
    const core = this.#core;
    request.say(`Service ${core.name} is skipped: ${reason}.`);
    core.dispatch({ type: "skipped", time: core.now(), reason });
    core.closeIfDown();
    core.environment.stopped(false);
    return { ok: true };
  }

  #cancelled(request: Request): StartOutcome {
    const core = this.#core;
    core.log(`Start of service ${core.name} was cancelled.`);
    core.dispatch({ type: "start-cancelled", time: core.now() });
    core.closeIfDown();
    core.environment.stopped(false);
    request.say(`The start of service ${core.name} was cancelled by a stop.`);
    return { ok: false };
  }

  #failed(exception: unknown, request: Request): StartOutcome {
    const core = this.#core;
    const reason = errorText(exception);
    const { respawning } = core.state;
    // The replacement takes the definition's place further down.
    const ours =
      core.builtinStart !== undefined || exception instanceof StartFailure || exception instanceof SpawnError;
    core.log(`Service ${core.name} failed to start.`);
    core.dispatch({ type: "start-failed", time: core.now(), reason });
    if (!respawning) core.closeIfDown();
    core.environment.stopped(false);
    if (!ours) return { ok: false, exception };
    request.say(`Failed to start ${core.name}: ${reason}`);
    return { ok: false };
  }

  /** A start that was cancelled came to an end after all: what it started must not run on. */
  async #discard(value: RunningValue | undefined): Promise<void> {
    if (value !== undefined && isProcess(value)) await discard(this.#core.host, value);
  }
}
