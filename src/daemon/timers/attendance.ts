// A timer that runs: it waits for its alarms, begins runs and follows them. What it knows is the service's running value,
// and each change of it is one step with what it is about, so that a next daemon goes on from there: an occurrence counts as
// dealt with in the step that makes its run due, and a run that is due becomes one that goes on in the step that spawns it.

import { basename } from "node:path";
import type { Attendance, Host, RunningContext } from "../constructors/host.js";
import { runner, spawnSpec } from "../constructors/process-spec.js";
import type { Leader } from "../controller/state.js";
import { errorText } from "../error-text.js";
import type { SpawnSpec } from "../keeper/types.js";
import { type Child, type End, SpawnError } from "../processes.js";
import { runAsUserCode } from "../user-code.js";
import { Limits } from "./limits.js";
import { Pace } from "./pace.js";
import { alarmOf, clockOf, latest, type Policy, plan } from "./plan.js";
import { policyOf } from "./start.js";
import * as states from "./state.js";
import type { Outcome, Run, TimerCommand, TimerData, TimerProcedure, TimerState } from "./types.js";
import { upcoming } from "./view.js";

/** One for all timers, which may go off at once. */
const pace = new Pace();

/** What `startTimer` has begun, or an earlier daemon has left. */
export function attendTimer(host: Host, context: RunningContext, data: TimerData): Attendance | undefined {
  const value = context.value();
  if (states.isTimer(value)) return new TimerAttendance(host, context, data, value);
  context.failed("its running value is not a timer's");
  return undefined;
}

class TimerAttendance implements Attendance {
  readonly #host: Host;
  readonly #context: RunningContext;
  readonly #data: TimerData;
  readonly #name: string;
  readonly #alarm: string;
  readonly #limits: Limits;
  #state: TimerState;
  /** Undefined until the arithmetic is loaded. */
  #policy: Policy | undefined;
  #closed = false;
  #beginning = false;
  #finished = false;
  /** Whether it was told that occurrences are left out since a run goes on. */
  #toldOverlap = false;
  readonly #forgetClock: () => void;
  /**
   * Not in the step that acknowledges what wakes it: the next daemon wakes every timer, and what a thousand of them note
   * when the clock was set is more than one step can hold.
   */
  readonly #wakeSoon = (): void => pace.soon(this.#wakeNow);
  readonly #wakeNow = (): void => this.#wakeOrFail();

  constructor(host: Host, context: RunningContext, data: TimerData, state: TimerState) {
    this.#host = host;
    this.#context = context;
    this.#data = data;
    this.#name = context.name;
    this.#alarm = `timer/${context.name}`;
    this.#limits = new Limits(host.deadlines, data, (run) => this.#timedOut(run));
    this.#state = state;
    this.#forgetClock = host.deadlines.onClockSet(this.#wakeSoon);
    // Known as ours from now on, so that it is disarmed even by a stop that comes before the arithmetic is loaded.
    host.deadlines.takeOver(this.#alarm, this.#wakeSoon);
    for (const run of state.runs) this.#resume(run);
    policyOf(data)
      .then((policy) => {
        this.#policy = policy;
        this.#wakeSoon();
      })
      .catch((error: unknown) => {
        if (!this.#closed) context.failed(`follow its schedule: ${errorText(error)}`);
      });
  }

  /** Runs that go on are ended by whoever stops the service. */
  close(): void {
    this.#closed = true;
    pace.cancel(this.#wakeNow);
    this.#forgetClock();
    this.#host.deadlines.disarm(this.#alarm);
    for (const { id } of this.#state.runs) this.#limits.disarm(id);
  }

  trigger(): boolean {
    const admitted = states.admit(this.#state, this.#data.overlap);
    if (admitted === undefined || this.#closed || this.#finished) return false;
    this.#change(admitted);
    this.#proceed();
    return true;
  }

  alarms(count: number): readonly number[] {
    if (this.#policy === undefined || !this.#awaitsAlarm()) return [];
    return upcoming(this.#policy, this.#state, this.#host.instant(), count);
  }

  // Alarms

  #wakeOrFail(): void {
    try {
      this.#wake();
    } catch (error) {
      this.#context.failed(`follow its schedule: ${errorText(error)}`);
    }
  }

  /** Finds out what is due, and when to look again: after an alarm, when the clock was set, or at the beginning. */
  #wake(): void {
    const policy = this.#policy;
    if (policy === undefined || this.#closed) return;
    this.#host.outbox.together(() => {
      if (this.#awaitsAlarm()) this.#plan(policy);
      this.#arm();
    });
    this.#proceed();
  }

  #plan(policy: Policy): void {
    const { timing, outcome } = plan(policy, this.#state.timing, this.#host.instant());
    const planned = { ...this.#state, timing };
    this.#change(outcome === "run" ? this.#occur(planned) : planned);
    if (outcome === "left-out")
      this.#context.log(
        `Timer '${this.#name}': the clock was set forward by hours; what it skipped is left out.`,
      );
    if (policy.persistent) this.#host.stamps?.write(this.#name, latest(timing));
  }

  #occur(state: TimerState): TimerState {
    const admitted = states.admit(state, this.#data.overlap);
    if (admitted !== undefined) return states.count(admitted);
    if (!this.#toldOverlap)
      this.#context.log(`Timer '${this.#name}' leaves out occurrences while ${runsText(state)}.`);
    this.#toldOverlap = true;
    return state;
  }

  get #countsFromEnd(): boolean {
    const { schedule } = this.#data;
    return schedule.kind === "interval" && schedule.from === "end";
  }

  #awaitsAlarm(): boolean {
    return this.#state.remaining !== 0 && !(this.#countsFromEnd && states.isBusy(this.#state));
  }

  #arm(): void {
    const { deadlines } = this.#host;
    const alarm = alarmOf(this.#state.timing);
    if (alarm === undefined || !this.#awaitsAlarm()) deadlines.disarm(this.#alarm);
    else deadlines.armAt(this.#alarm, clockOf(this.#data.schedule), alarm, this.#wakeSoon);
  }

  // Runs

  /** Begins the runs that are due, and ends the service when nothing is to come any more. */
  #proceed(): void {
    if (this.#closed || this.#finished) return;
    if (states.mayBegin(this.#state, this.#data.overlap)) {
      this.#begin().catch((error: unknown) => this.#host.report(`timer ${this.#name}: ${errorText(error)}`));
    } else if (this.#policy !== undefined && !states.isBusy(this.#state) && !states.isArmed(this.#state)) {
      this.#finished = true;
      this.#context.finish();
    }
  }

  async #begin(): Promise<void> {
    if (this.#beginning) return;
    this.#beginning = true;
    try {
      const { action, overlap } = this.#data;
      while (!this.#closed && states.mayBegin(this.#state, overlap)) {
        if (action.kind === "command") await this.#spawn(action);
        else this.#call();
      }
    } finally {
      this.#beginning = false;
    }
    this.#proceed();
  }

  async #spawn({ command, options }: TimerCommand): Promise<void> {
    const host = this.#host;
    const id = host.processes.nextId(this.#name);
    let spec: SpawnSpec;
    try {
      spec = spawnSpec(host, this.#name, id, command, options, await runner(host, options));
    } catch (error) {
      this.#fail(errorText(error));
      return;
    }
    if (this.#closed) return;
    const child = host.outbox.together(() => {
      this.#change(states.begin(this.#state, { id, pid: 0, start: this.#now() }));
      const spawned = this.#context.spawn(id, spec, (end) => this.#ended(id, end));
      this.#limits.arm(id);
      return spawned;
    });
    child.onPid = (pid) => host.logs.label(this.#name, basename(command[0]), pid);
    this.#whenAnswered(child);
  }

  #whenAnswered(child: Child): void {
    child.answered
      .then(() => {
        const run = this.#run(child.id);
        if (this.#closed || run === undefined) return;
        // What the keeper refused to spawn has no end of which it could tell.
        if (child.pid === 0 && child.end !== undefined) this.#ended(child.id, child.end);
        if (child.pid === 0 || run.pid !== 0) return;
        this.#context.log(`Timer '${this.#name}' spawned process ${child.pid}.`);
        this.#change(states.update(this.#state, child.id, { pid: child.pid }));
      })
      .catch((error: unknown) => this.#host.report(errorText(error)));
  }

  #call(): void {
    const { procedure } = this.#context;
    if (procedure === undefined) {
      this.#fail("its action is a function, which is not there: see 'herd status root'");
      return;
    }
    const id = this.#host.processes.nextId(this.#name);
    this.#change(states.begin(this.#state, { id, pid: 0, start: this.#now() }));
    this.#follow(id, procedure.call);
  }

  #follow(id: string, procedure: TimerProcedure): void {
    runAsUserCode(`action of timer ${this.#name}`, undefined, procedure)
      .then(
        () => "success" as const,
        (error: unknown) => ({ exception: errorText(error) }),
      )
      .then((outcome) => this.#over(id, outcome, this.#now()))
      .catch((error: unknown) => this.#host.report(errorText(error)));
  }

  /** Goes on with a run that an earlier daemon had begun. */
  #resume({ id }: Run): void {
    const { procedure } = this.#context;
    if (this.#data.action.kind === "procedure") {
      if (procedure?.retryable === true) this.#follow(id, procedure.call);
      else this.#over(id, "interrupted", this.#now());
      return;
    }
    this.#limits.takeOver(id);
    const child = this.#context.follow(id, (end) => this.#ended(id, end));
    if (child !== undefined) this.#whenAnswered(child);
    else this.#over(id, { exception: "its process could not be spawned" }, this.#now(), remainsOf(id, 0));
  }

  #ended(id: string, end: End): void {
    const { failure, status, time, pid } = end;
    this.#limits.disarm(id);
    this.#host.logs.ended(this.#name);
    const seconds = Math.max(0, Math.round(time - (this.#run(id)?.start ?? time)));
    if (failure === undefined)
      this.#context.log(
        `Process ${pid} of timer '${this.#name}' terminated with status ${status} after ${seconds} second${seconds === 1 ? "" : "s"}.`,
      );
    const outcome = failure === undefined ? status : { exception: new SpawnError(failure).message };
    this.#over(id, outcome, time, remainsOf(id, pid));
  }

  /** @param process whose remains are to be ended */
  #over(id: string, outcome: Outcome, time: number, process?: Leader): void {
    if (this.#closed) return;
    if (typeof outcome === "object")
      this.#context.log(`A run of timer '${this.#name}' failed: ${outcome.exception}`);
    this.#goOn(states.finish(this.#state, id, outcome, time), process);
  }

  /** A run that is due could not begin. */
  #fail(reason: string): void {
    if (this.#closed) return;
    this.#context.log(`A run of timer '${this.#name}' failed: ${reason}`);
    this.#goOn(states.fail(this.#state, reason, this.#now()));
  }

  /** One run less: another one may begin, and the next occurrence may be counted from here. */
  #goOn(state: TimerState, ended?: Leader): void {
    this.#toldOverlap = false;
    this.#host.outbox.together(() => {
      if (this.#countsFromEnd) {
        const last = this.#host.instant().monotonic;
        this.#change({ ...state, timing: { ...state.timing, last } }, ended);
        this.#wake();
      } else {
        this.#change(state, ended);
        this.#proceed();
      }
    });
  }

  #timedOut(id: string): void {
    const run = this.#run(id);
    if (this.#closed || run === undefined) return;
    this.#context.log(
      `Process ${run.pid} of timer '${this.#name}' took longer than ${this.#data.maxDuration} s, and is ended.`,
    );
    this.#change(states.update(this.#state, id, { timedOut: true }));
  }

  #run(id: string): Run | undefined {
    return this.#state.runs.find((run) => run.id === id);
  }

  #now(): number {
    return this.#host.instant().realtime / 1000;
  }

  /** The one place where the state changes; it is noted with what belongs to the same step. */
  #change(state: TimerState, ended?: Leader): void {
    this.#state = state;
    this.#context.change(state, ended);
  }
}

/** What the process of a run may leave behind; the service goes on, and may begin others beside. */
function remainsOf(id: string, pid: number): Leader {
  return { id, pid, beside: true };
}

function runsText({ runs }: TimerState): string {
  return runs.length > 1 ? `${runs.length} runs go on` : "a run goes on";
}
