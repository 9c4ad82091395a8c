// One service while the daemon lives: its definition, its state, and the one start or stop that is under way.
// Dependencies are the supervisor's business (supervisor.ts); processes are the constructors'.

import { setTimeout as delay } from "node:timers/promises";
import type { Resources } from "../../protocol/resources.js";
import { attendBuiltin, resumeBuiltin, startBuiltin } from "../constructors/builtin.js";
import { type Attendance, type Host, type StartContext, StartFailure } from "../constructors/host.js";
import { endProcess, endRest } from "../constructors/kill.js";
import { isSocketsValue } from "../constructors/sockets.js";
import { isSystemLogValue } from "../constructors/system-log.js";
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
import { Attendant } from "../readiness/attendant.js";
import type { Datagram } from "../readiness/sender.js";
import { type Request, runFor } from "../request.js";
import { isTimer } from "../timers/state.js";
import { timerProcedure } from "../timers/types.js";
import { runAsUserCode } from "../user-code.js";
import { cancellable } from "./cancellable.js";
import { destruct } from "./destruct.js";
import { formatValue } from "./format.js";
import { clearAway, defaultGrace, discard, endOwnProcesses } from "./remains.js";
import { respawnLimitHit } from "./respawn.js";
import { durable, isProcess } from "./running-value.js";
import {
  initialState,
  isDown,
  type OwnProcess,
  reduce,
  type ServiceState,
  type StateEvent,
  type Wanted,
} from "./state.js";

/** What a controller tells the supervisor and asks of it. */
export interface ControllerEnvironment {
  readonly host: Host;
  /** Seconds since the epoch. */
  now(): number;
  log(line: string): void;
  /** Writes the service's note. */
  record(controller: Controller): void;
  /** Whether the system is going down: nothing is respawned then. */
  shuttingDown(): boolean;
  /** Starts the service again, requirements included. */
  respawn(controller: Controller): void;
  /** Stops a service that has done what it is for, and what depends on it. */
  finish(controller: Controller): void;
  /** The process ended by itself and the service stays stopped. */
  settled(controller: Controller): void;
  /**
   * The service is stopped: its replacement takes its place now.
   * @param over whether it ran and is over, so that a transient service is forgotten
   */
  stopped(controller: Controller, over: boolean): void;
}

/** Bytes of the arguments of a start function, which are noted. */
const longestArguments = 65_536;

/** How a start ended. An exception of user code is passed on as it is. */
export type StartOutcome = { readonly ok: true } | { readonly ok: false; readonly exception?: unknown };

interface Attempt {
  readonly outcome: Promise<StartOutcome>;
  readonly abort: AbortController;
}

export class Controller {
  definition: ServiceDefinition;
  /** Takes the definition's place when the service stops. */
  replacement: ServiceDefinition | undefined;
  /** Whether the configuration in force has no such service any more: it is removed when it stops. */
  obsolete = false;
  #state: ServiceState;
  readonly #environment: ControllerEnvironment;
  #attempt: Attempt | undefined;
  #stopping: Promise<unknown> | undefined;
  #respawnTimer: NodeJS.Timeout | undefined;
  /** What is left of a process that died by itself; a new start waits for its end. */
  #cleanup: Promise<void> = Promise.resolve();
  /** What is done for a service that runs without a process. */
  #attendance: Attendance | undefined;
  /** Attends to the service's processes. */
  readonly #attendant: Attendant;
  /** What lived in an earlier daemon is being made again; a stop waits for that. */
  #resuming: Promise<void> | undefined;

  constructor(definition: ServiceDefinition, environment: ControllerEnvironment, state = initialState) {
    this.definition = definition;
    this.#environment = environment;
    this.#state = state;
    const here = this;
    this.#attendant = new Attendant({
      host: environment.host,
      get definition() {
        return here.definition;
      },
      get name() {
        return here.name;
      },
      get state() {
        return here.state;
      },
      now: () => environment.now(),
      log: (line) => environment.log(line),
      dispatch: (event) => this.#dispatch(event),
      succeed: (heir) => this.#succeed(heir),
    });
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
    this.#environment.record(this);
  }

  /** Notes what somebody asked for and has not begun, so that a next daemon goes on with that. */
  want(wanted: Wanted | undefined): void {
    if (this.#state.wanted !== wanted)
      this.#dispatch({ type: "want", wanted, time: this.#environment.now() });
    this.#closeIfDown();
  }

  /** The sockets of a service outlive its process, and a stop that a start follows, but not the service. */
  #closeIfDown(): void {
    if (!isDown(this.#state)) return;
    this.#environment.host.sockets.close(this.name);
    this.#environment.host.cgroups.release(this.name);
    this.#attendant.close();
  }

  /** Handles a message on the service's notify socket. */
  notified(event: Datagram): void {
    this.#attendant.notified(event);
  }

  /** Closes what is kept for the service, which is removed or has another name now. */
  closeNotifySocket(name = this.name): void {
    this.#attendant.close(name);
  }

  enable(): void {
    this.#dispatch({ type: "enable" });
  }

  disable(because?: string): void {
    this.#cancelRespawn();
    this.#dispatch({ type: "disable", ...(because === undefined ? {} : { because }) });
    this.#closeIfDown();
  }

  /** Gives a service that runs without a process another value. */
  updateValue(value: RunningValue): void {
    const { status, value: before } = this.#state;
    if (status !== "running") throw new Error(`service ${this.name} does not run: it has no value`);
    if (
      before === undefined ||
      isProcess(before) ||
      isSocketsValue(before) ||
      isSystemLogValue(before) ||
      isTimer(before)
    )
      throw new Error(`the value of service ${this.name} is its constructor's`);
    const next = durable(value);
    if (isProcess(next) || isSocketsValue(next) || isSystemLogValue(next) || isTimer(next))
      throw new Error(`service ${this.name}: expected a value as JSON, got one that a constructor makes`);
    this.#dispatch({ type: "value-changed", value: next });
  }

  /** Has a timer run its action now; gives whether it does. */
  trigger(): boolean {
    if (this.#attendance?.trigger === undefined)
      throw new Error(`trigger service ${this.name}: it is no timer that runs`);
    return this.#attendance.trigger();
  }

  /** When a timer goes off next, in milliseconds since the epoch: at most `count` times. */
  alarms(count: number): readonly number[] {
    return this.#attendance?.alarms?.(count) ?? [];
  }

  /** Starts the service, whose requirements run; concurrent callers share one attempt. */
  start(args: readonly string[], request: Request): Promise<StartOutcome> {
    if (this.#attempt !== undefined) return this.#attempt.outcome;
    // A built-in start has no use for them.
    const kept = this.#builtinStart() === undefined ? args : [];
    if (Buffer.byteLength(kept.join("")) > longestArguments) {
      request.say(
        `Failed to start ${this.name}: its arguments have more than ${longestArguments} bytes; put them into a file.`,
      );
      this.want(undefined);
      return Promise.resolve({ ok: false });
    }
    clearTimeout(this.#respawnTimer);
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
    this.#dispatch({ type: "start", time: this.#environment.now(), arguments: kept });
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
      await this.#prepareCgroup(request);
      signal.throwIfAborted();
      const value = await cancellable(construct(signal), signal, (late) => this.#discard(late));
      if (value === false) throw new StartFailure(`the start of ${this.name} returned false`);
      this.#started(this.#checked(durable(value)));
      return { ok: true };
    } catch (exception) {
      // What failed must not run on beside the next attempt; a start function may never return to end it.
      await endOwnProcesses(this.#environment.host, this.#state.processes);
      if (this.#state.processes.length > 0) await this.#endRest();
      const time = this.#environment.now();
      if (signal.aborted) {
        this.#environment.log(`Start of service ${this.name} was cancelled.`);
        this.#dispatch({ type: "start-cancelled", time });
        this.#closeIfDown();
        this.#environment.stopped(this, false);
        request.say(`The start of service ${this.name} was cancelled by a stop.`);
        return { ok: false };
      }
      const reason = errorText(exception);
      const ours = this.#builtinStart() !== undefined;
      const { respawning } = this.#state;
      this.#environment.log(`Service ${this.name} failed to start.`);
      this.#dispatch({ type: "start-failed", time, reason });
      if (!respawning) this.#closeIfDown();
      this.#environment.stopped(this, false);
      if (ours || exception instanceof StartFailure || exception instanceof SpawnError) {
        request.say(`Failed to start ${this.name}: ${reason}`);
        return { ok: false };
      }
      return { ok: false, exception };
    }
  }

  /** Without a cgroup, or without its limits, the service starts all the same. */
  async #prepareCgroup(request: Request): Promise<void> {
    const isNew = this.#state.processes.length === 0;
    for (const trouble of await this.#environment.host.cgroups.prepare(this.name, isNew))
      request.say(`Service ${this.name}: ${trouble}.`);
  }

  /** What has left its session, or was made by what has ended since. */
  async #endRest(): Promise<void> {
    await endRest(this.#environment.host, this.name, defaultGrace);
  }

  /** What it uses of the machine; undefined where nothing is known. */
  resources(): Promise<Resources | undefined> {
    return this.#environment.host.cgroups.resourcesOf(this.name);
  }

  /** A value that says it is a process or sockets must be one of ours: it is signalled, or shown, as such one day. */
  #checked(value: RunningValue): RunningValue {
    if (
      (isSocketsValue(value) || isSystemLogValue(value) || isTimer(value)) &&
      this.#builtinStart() === undefined
    )
      throw new StartFailure(
        `the running value says that it is of type ${value.type}, which a constructor makes`,
      );
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
    // An earlier definition may have had some.
    if (data === undefined || !("endpoints" in data)) host.sockets.close(this.name);
    if (data !== undefined) return startBuiltin(host, context, data);
    const { start } = this.definition;
    return runFor(request, () =>
      runAsUserCode(`start of service ${this.name}`, context, () => start(...args)),
    );
  }

  #startContext(request: Request, signal: AbortSignal): StartContext {
    return {
      name: this.name,
      attendant: this.#builtinStart() === undefined ? undefined : this.#attendant,
      signal,
      say: (line) => request.say(line),
      spawn: (id, spec, step) => {
        const { outbox, processes } = this.#environment.host;
        const { status } = this.#state;
        // No crash may separate the two.
        const child = outbox.together(() => {
          if (status === "starting" || status === "stopping") this.#dispatch({ type: "spawned", child: id });
          return processes.spawn(id, spec, step);
        });
        this.#follow(child);
        return child;
      },
    };
  }

  /** Notes the end of a process that a start or stop has made. */
  #follow(child: Child): void {
    const { id } = child;
    child.onEnd = ({ pid, status, time, failure }) => {
      if (!this.#state.processes.some((one) => one.id === id)) return;
      const end = { pid, start: child.start, status, time, ...(failure === undefined ? {} : { failure }) };
      this.#dispatch({ type: "own-process-ended", id, end });
    };
  }

  #started(value: RunningValue): void {
    const time = this.#environment.now();
    if (this.definition.oneShot) {
      this.#environment.log(`Service ${this.name} started.`);
      this.#dispatch({ type: "one-shot-done", time });
      this.#closeIfDown();
      this.#environment.stopped(this, true);
      return;
    }
    this.#environment.log(`Service ${this.name} started.`);
    this.#environment.log(`Service ${this.name} running with value ${formatValue(value)}.`);
    this.#dispatch({ type: "started", time, value, ...(isProcess(value) ? { child: value.id } : {}) });
    this.#watch(value);
  }

  /** Follows the process of a running value; one that has ended already is handled at once. */
  #watch(value: RunningValue): void {
    if (!isProcess(value)) {
      this.#attend();
      return;
    }
    const { processes } = this.#environment.host;
    const child = processes.get(value.id);
    if (child !== undefined) {
      child.onEnd = (end) => this.#processEnded(end);
      this.#attendant.begin(value);
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

  #attend(): void {
    const data = this.#builtinStart();
    if (data === undefined) return;
    const { host } = this.#environment;
    const begun = this.#begun(false);
    if (begun !== undefined && data.kind === "systemd") {
      // An earlier daemon had spawned it and did not come to know its pid.
      this.#become(begun, data.command);
      return;
    }
    const { name } = this;
    const procedure = this.definition.start[timerProcedure];
    this.#attendance = attendBuiltin(
      host,
      {
        name,
        attendant: this.#attendant,
        become: (id, spec, command) => {
          const child = host.outbox.together(() => {
            this.#dispatch({ type: "spawned", child: id });
            return host.processes.spawn(id, spec);
          });
          this.#follow(child);
          this.#become(child, command);
          return child;
        },
        failed: (reason) => this.#endWithout(`Service ${name} failed: ${reason}`, reason),
        value: () => this.#state.value ?? true,
        change: (value, ended) => {
          const { leaders } = this.#state;
          this.#dispatch({
            type: "value-changed",
            value,
            ...(ended === undefined ? {} : { child: ended.id, leader: ended }),
          });
          if (this.#state.leaders !== leaders) this.#clearAway();
        },
        spawn: (id, spec, onEnd) =>
          host.outbox.together(() => {
            this.#dispatch({ type: "spawned", child: id });
            return this.#followBeside(host.processes.spawn(id, spec), onEnd);
          }),
        follow: (id, onEnd) => {
          const child = host.processes.get(id);
          return child === undefined ? undefined : this.#followBeside(child, onEnd);
        },
        finish: () => this.#environment.finish(this),
        log: (line) => this.#environment.log(line),
        procedure:
          procedure === undefined ? undefined : { call: procedure, retryable: this.definition.retryable },
      },
      data,
    );
  }

  /** Whoever attends to the service is told of the end, unless the service is being stopped. */
  #followBeside(child: Child, onEnd: (end: End) => void): Child {
    this.#follow(child);
    const { onEnd: noteEnd } = child;
    child.onEnd = (end) => {
      if (this.#state.status === "running") onEnd(end);
      else noteEnd?.(end);
    };
    return child;
  }

  #stopAttending(): void {
    this.#attendance?.close();
    this.#attendance = undefined;
    this.#attendant.end();
  }

  /** A process that the one before has named (MAINPID) is the service's from now on. */
  #succeed(heir: Child): void {
    const { value } = this.#state;
    if (!isProcess(value) || this.#state.status !== "running") return;
    const { id, pid, start } = heir;
    const next: ProcessReference = { ...value, id, pid, start };
    this.#dispatch({ type: "succeeded", value: next, child: id, former: value.id });
    const former = this.#environment.host.processes.get(value.id);
    if (former !== undefined) this.#follow(former);
    this.#environment.log(`Service ${this.name} running with value ${formatValue(next)}.`);
    this.#watch(next);
  }

  /** A service that ran without a process has one from now on, which is its value once its pid is known. */
  #become(child: Child, command: readonly string[]): void {
    const { log, host } = this.#environment;
    child.started.catch((error: unknown) => log(`Service ${this.name}: ${errorText(error)}`));
    child.answered
      .then(() => {
        // A stop that came meanwhile ends it.
        if (this.#state.status !== "running") return;
        const { id, pid, start, end } = child;
        const value: ProcessReference = { type: "process", id, pid, start, command };
        this.#dispatch({ type: "value-changed", value, child: id });
        log(`Service ${this.name} running with value ${formatValue(value)}.`);
        if (end === undefined) this.#watch(value);
        else this.#processEnded(end);
      })
      .catch((error: unknown) => host.report(errorText(error)));
  }

  /** The process of this service ended, expected or not. Runs in the turn that acknowledges the event. */
  #processEnded(end: End): void {
    this.#environment.host.logs.ended(this.name);
    this.#attendant.end();
    const { condemned } = this.#state.condition;
    if (this.#state.status !== "running") {
      this.#dispatch({ type: "process-ended", time: end.time, status: end.status });
      return;
    }
    const value = this.#state.value;
    if (end.status !== 0) {
      this.#environment.log(`Service ${this.name} (PID ${end.pid}) ${describeTermination(end)}.`);
    }
    const leader = isProcess(value) ? { leader: { id: value.id, pid: value.pid } } : {};
    this.#dispatch({ type: "process-ended", time: end.time, status: end.status, ...leader });
    this.#clearAway();
    const handler = this.definition.terminationHandler;
    const applied = this.replacement !== undefined;
    this.#environment.stopped(this, true);
    if (this.#environment.shuttingDown()) return;
    if (condemned !== undefined) {
      // Ours was the decision to end it.
      this.#afterEnd("respawn");
      return;
    }
    if (handler === undefined || applied || value === undefined) {
      this.#afterEnd("default");
      return;
    }
    // Should the handler not live to decide, the next daemon does the usual.
    this.#dispatch({ type: "decision", undecided: true });
    if (this.definition.respawn && this.#state.enabled && !this.definition.transient) {
      this.#dispatch({
        type: "respawn-scheduled",
        at: this.#environment.now() + this.definition.respawnDelay,
      });
    }
    const service = { name: this.name, value };
    runAsUserCode(`termination handler of service ${this.name}`, undefined, () => handler(service, end)).then(
      (decision) => this.#decided(decision),
      (error: unknown) => {
        this.#environment.log(`The termination handler of service ${this.name} failed: ${errorText(error)}`);
        this.#decided("default");
      },
    );
  }

  /** Noted until it is done, so that the next daemon does what this one does not come to. */
  #clearAway(): void {
    const { leaders } = this.#state;
    if (leaders.length === 0) return;
    const { host } = this.#environment;
    this.#cleanup = this.#tellOutOfMemory()
      .then(() => clearAway(host, leaders))
      .catch((error: unknown) => host.report(`while ending what ${this.name} left behind: ${String(error)}`))
      .then(() => this.#dispatch({ type: "cleared-away", leaders }))
      .then(() => this.#closeIfDown());
  }

  /** The kernel kills without a word: its count, which goes with the cgroup, tells that it did. */
  async #tellOutOfMemory(): Promise<void> {
    // One that goes on with another process than before has not ended for want of memory.
    if (this.#state.status === "running") return;
    const [last] = this.#state.exitStatuses;
    if (last === undefined || last.status === 0 || last.outOfMemory === true) return;
    const kills = await this.#environment.host.cgroups.oomKills(this.name);
    if (kills === 0) return;
    this.#environment.log(
      `Service ${this.name} ran out of memory: the kernel has killed ${kills} of its processes.`,
    );
    this.#dispatch({ type: "out-of-memory" });
  }

  /** Whoever started, stopped or disabled the service meanwhile has decided before its termination handler. */
  #decided(decision: TerminationDecision): void {
    if (this.#state.undecided) this.#afterEnd(decision);
  }

  #afterEnd(decision: TerminationDecision): void {
    if (this.#state.undecided) this.#dispatch({ type: "decision", undecided: false });
    if (this.#state.status !== "stopped" || this.#environment.shuttingDown()) return;
    const respawn = decision === "respawn" || (decision === "default" && this.definition.respawn);
    // A transient or obsolete service is forgotten by now.
    if (respawn && this.#state.enabled && !this.definition.transient && !this.obsolete) {
      this.scheduleRespawn();
      return;
    }
    this.#cancelRespawn();
    this.#closeIfDown();
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
        // An earlier daemon may have died just after it had counted this one.
        if (!this.#state.respawning) this.#dispatch({ type: "respawning", time: this.#environment.now() });
        this.#environment.respawn(this);
      },
      Math.max(0, seconds * 1000),
    );
  }

  #cancelRespawn(): boolean {
    if (this.#state.respawnAt === undefined && !this.#state.undecided) return false;
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
    if (this.#resuming !== undefined) {
      // User code, which may never come to an end.
      await Promise.race([this.#resuming, delay(defaultGrace * 1000, undefined, { ref: false })]);
      if (this.#stopping !== undefined) await this.#stopping;
    }
    if (this.#state.status !== "running") {
      this.#closeIfDown();
      return;
    }
    const value = this.#state.value ?? true;
    this.#environment.log(`Stopping service ${this.name}...`);
    this.#dispatch({ type: "stop", time: this.#environment.now() });
    this.#stopAttending();
    await this.#finishStop(this.#destruct(value, args, request));
  }

  /** The service is stopped when `work` is over, however that was. */
  #finishStop(work: Promise<void>): Promise<void> {
    const finish = async (): Promise<void> => {
      try {
        await work;
      } finally {
        await endOwnProcesses(this.#environment.host, this.#state.processes);
        if (isProcess(this.#state.value)) await this.#endRest();
        this.#stopping = undefined;
        this.#environment.log(`Service ${this.name} stopped.`);
        this.#dispatch({ type: "stopped", time: this.#environment.now(), explicit: true });
        this.#closeIfDown();
        this.#environment.log(`Service ${this.name} is now stopped.`);
        this.#environment.stopped(this, true);
        // Whoever reads them has to come to an end with that first, as the log writer with the system log.
        await this.#environment.host.sockets.closing(this.name);
      }
    };
    const stopping = finish();
    this.#stopping = stopping;
    return stopping;
  }

  /** @param begun the shell of a stop by command that an earlier daemon has begun */
  #destruct(value: RunningValue, args: readonly string[], request: Request, begun?: Child): Promise<void> {
    const { host, log } = this.#environment;
    const context = this.#startContext(request, new AbortController().signal);
    return destruct(host, this.definition.stop, { context, value, args, request, begun, log });
  }

  /** A start that was cancelled came to an end after all: what it started must not run on. */
  async #discard(value: RunningValue | undefined): Promise<void> {
    if (value !== undefined && isProcess(value)) await discard(this.#environment.host, value);
  }

  /** Goes on from the note of an earlier daemon. */
  resume(request: Request): void {
    const { status, value, respawnAt, processes } = this.#state;
    if (isProcess(value) && value.id === "") return; // The keeper's own process: root.
    for (const { id } of processes) {
      const child = this.#environment.host.processes.get(id);
      if (child !== undefined) this.#follow(child);
    }
    this.#clearAway();
    this.#attendant.resume();
    if (status === "running" && value !== undefined) this.#resumeRunning(value);
    if (status === "starting") this.#resumeStart(request);
    if (status === "stopping") this.#resumeStop(value ?? true, request);
    if (status === "stopped" && this.#state.undecided && respawnAt === undefined) {
      this.#afterEnd("default");
    } else if (status === "stopped" && respawnAt !== undefined) {
      // Never longer than the delay, however the clock was set meanwhile.
      this.#armRespawn(Math.min(respawnAt - this.#environment.now(), this.definition.respawnDelay));
    }
    this.#closeIfDown();
  }

  #resumeRunning(value: RunningValue): void {
    this.#watch(value);
    const { resume } = this.definition;
    if (resume === undefined || this.#state.status !== "running") return;
    this.#resuming = runAsUserCode(`resume of service ${this.name}`, undefined, () => resume(value))
      .then((made) => {
        // It may have ended meanwhile, and run again by now.
        if (made === undefined || this.#state.value !== value) return;
        this.#dispatch({ type: "value-changed", value: this.#checked(durable(made)) });
      })
      .catch((error: unknown) => {
        if (this.#state.value === value) this.#resumeFailed(errorText(error));
      })
      .finally(() => {
        this.#resuming = undefined;
      });
  }

  /** What lived in the earlier daemon is gone for good. */
  #resumeFailed(reason: string): void {
    this.#endWithout(`Service ${this.name} could not be resumed: ${reason}`, `resume: ${reason}`);
  }

  /** A service that has no process ends by itself. */
  #endWithout(line: string, reason: string): void {
    if (this.#state.status !== "running") return;
    this.#environment.log(line);
    this.#stopAttending();
    this.#dispatch({ type: "resume-failed", time: this.#environment.now(), reason });
    this.#clearAway();
    this.#environment.stopped(this, true);
    this.#afterEnd("default");
  }

  /** The process that an earlier daemon's start or stop had made last, dead or alive. */
  #begun(stop: boolean): Child | undefined {
    const made = this.#state.processes.find((one: OwnProcess) => (one.stop ?? false) === stop);
    if (made === undefined) return undefined;
    const { processes } = this.#environment.host;
    return (
      processes.get(made.id) ?? (made.end === undefined ? undefined : processes.remember(made.id, made.end))
    );
  }

  /** A built-in start goes on where it was; a start function is never silently run a second time. */
  #resumeStart(request: Request): void {
    const { host, now } = this.#environment;
    const data = this.#builtinStart();
    const begun = this.#begun(false);
    const { processes, statusChanges, startArguments, respawning } = this.#state;
    const isOver = data === undefined && !this.definition.retryable;
    const elapsed = now() - (statusChanges[0]?.time ?? now());
    const goOn = async (signal: AbortSignal): Promise<RunningValue | undefined> => {
      // What was spawned but has left neither a record nor a note of its end cannot be gone on with.
      if (data !== undefined && (begun !== undefined || processes.length === 0))
        return await resumeBuiltin(host, this.#startContext(request, signal), data, begun, elapsed);
      if (!this.definition.retryable) throw new StartFailure("interrupted: the supervisor was restarted");
      this.#environment.log(`The start of service ${this.name} was interrupted and is begun again.`);
      await endOwnProcesses(host, processes);
      signal.throwIfAborted();
      this.#dispatch({ type: "start-again" });
      return await this.#construct(startArguments, request, signal);
    };
    const abort = new AbortController();
    const attempt: Attempt = { abort, outcome: this.#runStart(goOn, request, abort) };
    this.#attempt = attempt;
    attempt.outcome
      .then(({ ok }) => {
        if (this.#attempt === attempt) this.#attempt = undefined;
        // As with a respawn that this daemon has begun; what must not be begun again is over.
        if (!ok && respawning && !abort.signal.aborted) this.#afterEnd(isOver ? "stop" : "respawn");
      })
      .catch((error: unknown) => host.report(errorText(error)));
  }

  /** An interrupted stop is carried to its end: with KILL at the deadline that the keeper has kept. */
  #resumeStop(value: RunningValue, request: Request): void {
    const { host } = this.#environment;
    const data = this.definition.stop[builtin];
    const child = isProcess(value) ? host.processes.get(value.id) : undefined;
    if (child !== undefined) child.onEnd = (end) => this.#processEnded(end);
    const say = (line: string): void => request.say(line);
    const usual = { signal: 15, gracePeriod: defaultGrace };
    // A stop function is not called a second time: what it was to end is ended.
    const work =
      data !== undefined
        ? this.#destruct(value, [], request, this.#begun(true))
        : isProcess(value)
          ? endProcess(host, value, usual, say)
          : Promise.resolve();
    this.#finishStop(work).catch((error: unknown) => host.report(errorText(error)));
  }
}
