// One service while the daemon lives: its definition, its state, and the one start or stop that is under way.
// Dependencies are the supervisor's business (supervisor.ts); processes are the constructors'.

import { finishForkexec, startForkexec } from "../constructors/forkexec.js";
import { type Host, mainOf, type StartContext, StartFailure } from "../constructors/host.js";
import { endGroup, endProcess } from "../constructors/kill.js";
import { startSystem, stopSystem } from "../constructors/system.js";
import type {
  BuiltinStart,
  ProcessReference,
  RunningValue,
  ServiceDefinition,
  TerminationDecision,
} from "../definition/types.js";
import { builtin } from "../definition/types.js";
import { errorText } from "../error-text.js";
import { type Child, describeTermination, type End, SpawnError } from "../processes.js";
import { type Request, runFor } from "../request.js";
import { runAsUserCode } from "../user-code.js";
import { formatValue } from "./format.js";
import { respawnLimitHit } from "./respawn.js";
import { durable } from "./running-value.js";
import { initialState, reduce, type ServiceState, type StateEvent } from "./state.js";

/** What a controller tells the supervisor and asks of it. */
export interface ControllerEnvironment {
  readonly host: Host;
  /** Seconds since the epoch. */
  now(): number;
  log(line: string): void;
  /** Writes the service's note. */
  record(name: string, state: ServiceState): void;
  /** Whether the system is going down: nothing is respawned then. */
  shuttingDown(): boolean;
  /** Starts the service again, requirements included. */
  respawn(controller: Controller): void;
  /** The process ended by itself and the service stays stopped. */
  settled(controller: Controller): void;
  /**
   * The service is stopped: its replacement takes its place now.
   * @param over whether it ran and is over, so that a transient service is forgotten
   */
  stopped(controller: Controller, over: boolean): void;
}

/** How a start ended. An exception of user code is passed on as it is. */
export type StartOutcome = { readonly ok: true } | { readonly ok: false; readonly exception?: unknown };

interface Attempt {
  readonly outcome: Promise<StartOutcome>;
  readonly abort: AbortController;
}

/** Seconds that a process gets when a stop function returned, or a start was cancelled, and it still runs. */
const defaultGrace = 5;

export class Controller {
  definition: ServiceDefinition;
  /** Takes the definition's place when the service stops. */
  replacement: ServiceDefinition | undefined;
  #state: ServiceState;
  readonly #environment: ControllerEnvironment;
  #attempt: Attempt | undefined;
  #stopping: Promise<unknown> | undefined;
  #respawnTimer: NodeJS.Timeout | undefined;
  /** What is left of a process that died by itself; a new start waits for its end. */
  #cleanup: Promise<void> = Promise.resolve();

  constructor(definition: ServiceDefinition, environment: ControllerEnvironment, state = initialState) {
    this.definition = definition;
    this.#environment = environment;
    this.#state = state;
  }

  get name(): string {
    return this.definition.provision[0];
  }

  get state(): ServiceState {
    return this.#state;
  }

  /** Whether a stop is under way, be it of a start that it cancels. */
  get isEnding(): boolean {
    return this.#stopping !== undefined || this.#attempt?.abort.signal.aborted === true;
  }

  /** The one place where the state changes: the change is logged in the service's note before anything else. */
  #dispatch(event: StateEvent): void {
    this.#state = reduce(this.#state, event);
    this.#environment.record(this.name, this.#state);
  }

  /** Notes that the service is to be started once its requirements run, so that a next daemon goes on with that. */
  want(wanted: boolean): void {
    if (this.#state.wanted !== wanted) this.#dispatch({ type: "want", wanted });
  }

  enable(): void {
    this.#dispatch({ type: "enable" });
  }

  disable(because?: string): void {
    this.#cancelRespawn();
    this.#dispatch({ type: "disable", ...(because === undefined ? {} : { because }) });
  }

  /** Starts the service, whose requirements run; concurrent callers share one attempt. */
  start(args: readonly string[], request: Request): Promise<StartOutcome> {
    if (this.#attempt !== undefined) return this.#attempt.outcome;
    this.#cancelRespawn();
    const abort = new AbortController();
    // The body runs in this very turn up to its first wait, and expects the attempt to be known by then.
    const attempt: Attempt = {
      abort,
      outcome: Promise.resolve().then(() => {
        this.#environment.log(`Starting service ${this.name}...`);
        return this.#runStart((signal) => this.#construct(args, request, signal), request, abort);
      }),
    };
    this.#attempt = attempt;
    this.#dispatch({ type: "start", time: this.#environment.now() });
    return attempt.outcome.finally(() => {
      if (this.#attempt === attempt) this.#attempt = undefined;
    });
  }

  /** Carries a start to its end, whichever it is; never rejects. */
  async #runStart(
    construct: (signal: AbortSignal) => Promise<RunningValue | undefined>,
    request: Request,
    { signal }: AbortController,
  ): Promise<StartOutcome> {
    await this.#cleanup;
    try {
      signal.throwIfAborted();
      const value = await cancellable(construct(signal), signal, (late) => this.#discard(late));
      if (value === false) throw new StartFailure(`the start of ${this.name} returned false`);
      this.#started(this.#checked(durable(value)));
      return { ok: true };
    } catch (exception) {
      // What failed must not run on beside the next attempt.
      await this.#endAttempt();
      const time = this.#environment.now();
      if (signal.aborted) {
        this.#environment.log(`Start of service ${this.name} was cancelled.`);
        this.#dispatch({ type: "start-cancelled", time });
        this.#environment.stopped(this, false);
        request.say(`The start of service ${this.name} was cancelled by a stop.`);
        return { ok: false };
      }
      const reason = errorText(exception);
      const ours = this.#builtinStart() !== undefined;
      this.#environment.log(`Service ${this.name} failed to start.`);
      this.#dispatch({ type: "start-failed", time, reason });
      this.#environment.stopped(this, false);
      if (ours || exception instanceof StartFailure || exception instanceof SpawnError) {
        request.say(`Failed to start ${this.name}: ${reason}`);
        return { ok: false };
      }
      return { ok: false, exception };
    }
  }

  /** A value that says it is a process must be one of ours: it is signalled one day. */
  #checked(value: RunningValue): RunningValue {
    if (!isProcess(value)) return value;
    const { processes } = this.#environment.host;
    const child = processes.get(value.id);
    if ((child ?? processes.recentEnd(value.id))?.pid !== value.pid)
      throw new StartFailure("the running value is a process that no constructor has made");
    return value;
  }

  #builtinStart(): BuiltinStart | undefined {
    return this.definition.start[builtin];
  }

  #construct(
    args: readonly string[],
    request: Request,
    signal: AbortSignal,
  ): Promise<RunningValue | undefined> {
    const { host } = this.#environment;
    const context = this.#startContext(request, signal);
    const data = this.#builtinStart();
    if (data?.kind === "forkexec") return startForkexec(host, context, data);
    if (data?.kind === "system") return startSystem(host, context, data.command, data.options);
    const { start } = this.definition;
    return runFor(request, () =>
      runAsUserCode(`start of service ${this.name}`, context, () => start(...args)),
    );
  }

  #startContext(request: Request, signal: AbortSignal): StartContext {
    return {
      name: this.name,
      signal,
      say: (line) => request.say(line),
      // Written by hand into the step of the spawn, so that no crash separates the two.
      noteOf: (child) => {
        if (this.#state.status === "starting") this.#dispatch({ type: "spawned", child });
        return [];
      },
    };
  }

  #started(value: RunningValue): void {
    const time = this.#environment.now();
    if (this.definition.oneShot) {
      this.#environment.log(`Service ${this.name} started.`);
      this.#dispatch({ type: "one-shot-done", time });
      this.#environment.stopped(this, true);
      return;
    }
    this.#environment.log(`Service ${this.name} started.`);
    this.#environment.log(`Service ${this.name} running with value ${formatValue(value)}.`);
    this.#dispatch({ type: "started", time, value });
    this.#watch(value);
  }

  /** Follows the process of a running value; one that has ended already is handled at once. */
  #watch(value: RunningValue): void {
    if (!isProcess(value)) return;
    const { processes } = this.#environment.host;
    const child = processes.get(value.id);
    if (child !== undefined) {
      child.onEnd = (end) => this.#processEnded(end);
      return;
    }
    // It ended before it was known to be ours.
    this.#processEnded(
      processes.recentEnd(value.id) ?? {
        pid: value.pid,
        status: 0,
        exitCode: 0,
        time: this.#environment.now(),
      },
    );
  }

  /** The process of this service ended, expected or not. Runs in the turn that acknowledges the event. */
  #processEnded(end: End): void {
    this.#environment.host.logs.ended(this.name);
    if (this.#state.status !== "running") {
      this.#dispatch({ type: "process-ended", time: end.time, status: end.status });
      return;
    }
    const value = this.#state.value;
    if (end.status !== 0) {
      this.#environment.log(`Service ${this.name} (PID ${end.pid}) ${describeTermination(end)}.`);
    }
    this.#dispatch({ type: "process-ended", time: end.time, status: end.status });
    if (value !== undefined && isProcess(value)) {
      this.#cleanup = endGroup(this.#environment.host, value, defaultGrace).catch((error: unknown) =>
        this.#environment.host.report(`while ending what ${this.name} left behind: ${String(error)}`),
      );
    }
    const handler = this.definition.terminationHandler;
    const applied = this.replacement !== undefined;
    this.#environment.stopped(this, true);
    if (this.#environment.shuttingDown()) return;
    if (handler === undefined || applied || value === undefined) {
      this.#afterEnd("default");
      return;
    }
    // Should the handler not live to decide, the next daemon does the usual.
    if (this.definition.respawn && this.#state.enabled && !this.definition.transient) {
      this.#dispatch({
        type: "respawn-scheduled",
        at: this.#environment.now() + this.definition.respawnDelay,
      });
    }
    const service = { name: this.name, value };
    runAsUserCode(`termination handler of service ${this.name}`, undefined, () => handler(service, end)).then(
      (decision) => this.#afterEnd(decision),
      (error: unknown) => {
        this.#environment.log(`The termination handler of service ${this.name} failed: ${errorText(error)}`);
        this.#afterEnd("default");
      },
    );
  }

  #afterEnd(decision: TerminationDecision): void {
    if (this.#state.status !== "stopped" || this.#environment.shuttingDown()) return;
    const respawn = decision === "respawn" || (decision === "default" && this.definition.respawn);
    // A transient service is forgotten by now.
    if (respawn && this.#state.enabled && !this.definition.transient) {
      this.scheduleRespawn();
      return;
    }
    this.#cancelRespawn();
    this.#environment.settled(this);
  }

  /** Respawns after the delay, or disables a service that was respawned too often. */
  scheduleRespawn(): void {
    const now = this.#environment.now();
    const { respawnLimit, respawnDelay } = this.definition;
    if (respawnLimitHit(this.#state.lastRespawns, respawnLimit, now)) {
      this.#environment.log(`Service ${this.name} has been disabled.`);
      this.#environment.log("  (Respawning too fast.)");
      this.disable("Respawning too fast.");
      this.#environment.settled(this);
      return;
    }
    this.#dispatch({ type: "respawn-scheduled", at: now + respawnDelay });
    this.#armRespawn(respawnDelay);
  }

  #armRespawn(seconds: number): void {
    this.#respawnTimer = setTimeout(
      () => {
        this.#environment.log(`Respawning ${this.name}.`);
        this.#dispatch({ type: "respawning", time: this.#environment.now() });
        this.#environment.respawn(this);
      },
      Math.max(0, seconds * 1000),
    );
  }

  #cancelRespawn(): boolean {
    if (this.#state.respawnAt === undefined) return false;
    clearTimeout(this.#respawnTimer);
    this.#dispatch({ type: "respawn-cancelled" });
    return true;
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
    this.#cancelRespawn();
    if (this.#attempt !== undefined) {
      this.#attempt.abort.abort(new Error(`service ${this.name} is being stopped`));
      await this.#attempt.outcome;
      // It came up all the same, and another caller was first to see that.
      if (this.#stopping !== undefined) await this.#stopping;
    }
    if (this.#state.status !== "running") return;
    const value = this.#state.value ?? true;
    this.#environment.log(`Stopping service ${this.name}...`);
    this.#dispatch({ type: "stop", time: this.#environment.now() });
    const stopping = this.#destruct(value, args, request).finally(() => {
      this.#stopping = undefined;
      this.#environment.log(`Service ${this.name} stopped.`);
      this.#dispatch({ type: "stopped", time: this.#environment.now(), explicit: true });
      this.#environment.log(`Service ${this.name} is now stopped.`);
      this.#environment.stopped(this, true);
    });
    this.#stopping = stopping;
    await stopping;
  }

  async #destruct(value: RunningValue, args: readonly string[], request: Request): Promise<void> {
    const { host } = this.#environment;
    const { stop } = this.definition;
    const data = stop[builtin];
    const say = (line: string): void => request.say(line);
    const process = isProcess(value) ? value : undefined;
    if (data?.kind === "kill") {
      if (process !== undefined) await endProcess(host, this.name, process, data, say);
      return;
    }
    try {
      const context = this.#startContext(request, new AbortController().signal);
      const trouble =
        data?.kind === "system"
          ? await stopSystem(host, context, data.command, data.options)
          : await runFor(request, () =>
              runAsUserCode(`stop of service ${this.name}`, context, () => stop(value, ...args)),
            );
      if (trouble) this.#environment.log(`Service ${this.name} might have failed to stop.`);
    } finally {
      // A stopped service has no process, whatever its own stop did.
      if (process !== undefined) await this.#endLeftover(process, say);
    }
  }

  /** Waits for a process that was asked to end in some other way, then ends it. */
  async #endLeftover(process: ProcessReference, say: (line: string) => void): Promise<void> {
    const { host } = this.#environment;
    const child = host.processes.get(process.id);
    if (child !== undefined && child.end === undefined) {
      const expired = new Promise<"expired">((resolve) => {
        const timer = setTimeout(() => resolve("expired"), defaultGrace * 1000);
        child.ended.then(
          () => clearTimeout(timer),
          () => clearTimeout(timer),
        );
      });
      await Promise.race([child.ended, expired]);
    }
    await endProcess(host, this.name, process, { signal: 15, gracePeriod: defaultGrace }, say);
  }

  /** Ends the process of a start that failed or was cancelled; a start function may never return to do so. */
  async #endAttempt(): Promise<void> {
    const { attempt } = this.#state;
    if (attempt === undefined) return;
    for (const id of [attempt, mainOf(attempt)]) {
      const child = this.#environment.host.processes.get(id);
      if (child !== undefined) await this.#discard(referenceTo(child));
    }
  }

  /** A start that was cancelled came to an end after all: what it started must not run on. */
  async #discard(value: RunningValue | undefined): Promise<void> {
    if (value === undefined || !isProcess(value)) return;
    const options = { signal: 15, gracePeriod: defaultGrace };
    await endProcess(this.#environment.host, this.name, value, options, () => undefined);
  }

  /** Goes on from the note of an earlier daemon. */
  resume(request: Request): void {
    const { status, value, respawnAt, attempt } = this.#state;
    if (isProcess(value) && value.id === "") return; // The keeper's own process: root.
    if (status === "running" && value !== undefined) this.#watch(value);
    if (status === "starting") this.#resumeStart(attempt, request);
    if (status === "stopping") this.#resumeStop(value ?? true, request);
    if (status === "stopped" && respawnAt !== undefined) {
      // Never longer than the delay, however the clock was set meanwhile.
      this.#armRespawn(Math.min(respawnAt - this.#environment.now(), this.definition.respawnDelay));
    }
  }

  /** A built-in start goes on where it was; a start function is never silently run a second time. */
  #resumeStart(attemptId: string | undefined, request: Request): void {
    const { host } = this.#environment;
    const data = this.#builtinStart();
    const child = attemptId === undefined ? undefined : host.processes.get(attemptId);
    const goOn = async (signal: AbortSignal): Promise<RunningValue> => {
      if (data?.kind === "forkexec" && child !== undefined)
        return await finishForkexec(host, this.#startContext(request, signal), data, child);
      // Nothing was spawned yet: what is data can be begun anew.
      if (data !== undefined && attemptId === undefined) {
        return (await this.#construct([], request, signal)) ?? true;
      }
      throw new StartFailure("interrupted: the supervisor was restarted");
    };
    const abort = new AbortController();
    const attempt: Attempt = { abort, outcome: this.#runStart(goOn, request, abort) };
    this.#attempt = attempt;
    attempt.outcome
      .finally(() => {
        if (this.#attempt === attempt) this.#attempt = undefined;
      })
      .catch((error: unknown) => host.report(errorText(error)));
  }

  /** An interrupted stop is carried to its end: with KILL at the deadline that the keeper has kept. */
  #resumeStop(value: RunningValue, request: Request): void {
    const data = this.definition.stop[builtin];
    const options = data?.kind === "kill" ? data : { signal: 15, gracePeriod: defaultGrace };
    const child = isProcess(value) ? this.#environment.host.processes.get(value.id) : undefined;
    if (child !== undefined) child.onEnd = (end) => this.#processEnded(end);
    const end = isProcess(value)
      ? endProcess(this.#environment.host, this.name, value, options, (line) => request.say(line))
      : Promise.resolve();
    this.#stopping = end
      .catch((error: unknown) => this.#environment.host.report(String(error)))
      .finally(() => {
        this.#stopping = undefined;
        this.#environment.log(`Service ${this.name} stopped.`);
        this.#dispatch({ type: "stopped", time: this.#environment.now(), explicit: true });
        this.#environment.stopped(this, true);
      });
  }
}

export function isProcess(value: RunningValue | undefined): value is ProcessReference {
  return (
    typeof value === "object" &&
    value !== null &&
    !Array.isArray(value) &&
    "type" in value &&
    value.type === "process"
  );
}

function referenceTo(child: Child): ProcessReference {
  return { type: "process", id: child.id, pid: child.pid, start: child.start, command: [] };
}

/** Settles with `work`, or rejects as soon as `signal` is aborted; what `work` gives after that goes to `late`. */
function cancellable<T>(
  work: Promise<T>,
  signal: AbortSignal,
  late: (value: T) => Promise<void>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => {
      work.then(late).catch(() => undefined);
      reject(signal.reason as Error);
    };
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
