// A timer unit that starts and runs: it waits for its instants and has its unit started. All that it knows is the running
// value of its service, and each change of that is one step with what it is about, so that a next daemon goes on from there.

import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { serviceNameOf } from "../../../systemd-compat/translate/service-names.js";
import type { Attendance, Host, RunningContext, StartContext } from "../constructors/host.js";
import type { RunningValue } from "../definition/types.js";
import { errorText } from "../error-text.js";
import { processStat } from "../survivors.js";
import { Pace } from "../timers/pace.js";
import { admit } from "./admission.js";
import { isStartable } from "./down.js";
import { decode } from "./encoded.js";
import {
  type Arithmetic,
  alarmOf,
  elapse,
  isDue,
  observe,
  planTimer,
  type UnitTimerState,
  upcoming,
} from "./timer-plan.js";
import { isUnitTimer } from "./timer-view.js";
import { startTriggered, triggeredService } from "./triggered.js";
import type { UnitTimerData } from "./types.js";

/** Milliseconds of a clock tick, by which the kernel tells when a process began. */
const tick = 10;

/** One for all timers, which may go off at once. */
const pace = new Pace();

export async function startUnitTimer(
  host: Host,
  { name }: StartContext,
  data: UnitTimerData,
): Promise<RunningValue> {
  await admit(host, data);
  const service = triggeredService(host, data.starts);
  const settings = decode(data.timer);
  const arithmetic = await arithmeticOf(name, data);
  const now = host.instant();
  const startup = await startupOf(host);
  const last = settings.Persistent === true ? await host.stamps?.read(name) : undefined;
  // One that never ran has nothing to make up for, but what it misses from now on it has.
  if (settings.Persistent === true && last === undefined) host.stamps?.write(name, now.realtime);
  const state: UnitTimerState = {
    type: "unit-timer",
    starts: data.starts,
    phase: "waiting",
    activated: { at: now.realtime, monotonic: now.monotonic },
    boot: host.isContainer ? startup : 0,
    startup,
    spent: [],
    ...(last === undefined ? {} : { trigger: { realtime: last } }),
  };
  return planTimer(settings, observed(host, service, state), now, arithmetic);
}

/** What `startUnitTimer` has begun, or an earlier daemon has left. */
export function attendUnitTimer(
  host: Host,
  context: RunningContext,
  data: UnitTimerData,
): Attendance | undefined {
  const value = context.value();
  if (isUnitTimer(value)) return new UnitTimerAttendance(host, context, data, value);
  context.failed("its running value is not a timer unit's");
  return undefined;
}

class UnitTimerAttendance implements Attendance {
  readonly #host: Host;
  readonly #context: RunningContext;
  readonly #data: UnitTimerData;
  readonly #service: string;
  readonly #alarms: Readonly<Record<"realtime" | "monotonic", string>>;
  readonly #forget: readonly (() => void)[];
  #state: UnitTimerState;
  /** Undefined until it is loaded. */
  #arithmetic: Arithmetic | undefined;
  #closed = false;
  #starting = false;
  readonly #wakeSoon = (): void => pace.soon(this.#wakeNow);
  readonly #wakeNow = (): void => this.#orFail(() => this.#wake());

  constructor(host: Host, context: RunningContext, data: UnitTimerData, state: UnitTimerState) {
    const { name } = context;
    this.#host = host;
    this.#context = context;
    this.#data = data;
    this.#state = state;
    this.#service = serviceNameOf(data.starts);
    this.#alarms = { realtime: `timer/${name}`, monotonic: `timer-monotonic/${name}` };
    this.#forget = [
      host.states.watch(this.#service, this.#wakeSoon),
      host.deadlines.onClockSet(() => this.#orFail(() => this.#clockSet())),
    ];
    // Known as ours from now on, so that they are disarmed even by a stop that comes before the arithmetic is loaded.
    for (const alarm of Object.values(this.#alarms)) host.deadlines.takeOver(alarm, this.#wakeSoon);
    arithmeticOf(name, data)
      .then((arithmetic) => {
        this.#arithmetic = arithmetic;
        this.#wakeSoon();
      })
      .catch((error: unknown) => {
        if (!this.#closed) context.failed(`find out when it elapses: ${errorText(error)}`);
      });
  }

  close(): void {
    this.#closed = true;
    pace.cancel(this.#wakeNow);
    for (const forget of this.#forget) forget();
    for (const alarm of Object.values(this.#alarms)) this.#host.deadlines.disarm(alarm);
  }

  trigger(): boolean {
    if (this.#closed || this.#state.phase === "running") return false;
    this.#elapse();
    return true;
  }

  alarms(count: number): readonly number[] {
    if (this.#arithmetic === undefined) return [];
    return upcoming(decode(this.#data.timer), this.#state, this.#host.instant(), count, this.#arithmetic);
  }

  #orFail(task: () => void): void {
    try {
      if (!this.#closed) task();
    } catch (error) {
      this.#context.failed(`find out when it elapses: ${errorText(error)}`);
    }
  }

  #clockSet(): void {
    if (decode(this.#data.timer).OnClockChange === true && this.#state.phase === "waiting") this.#elapse();
    else this.#wakeSoon();
  }

  /** Finds out what is due, and when to look again: after an alarm, when its unit or the clock has changed, at first. */
  #wake(): void {
    const arithmetic = this.#arithmetic;
    if (arithmetic === undefined || this.#closed) return;
    this.#host.outbox.together(() => {
      const settings = decode(this.#data.timer);
      const now = this.#host.instant();
      let state = observed(this.#host, this.#service, this.#state);
      // What is planned counts first: planned anew, what is just due would be over.
      if (isDue(state, now)) {
        this.#change(state);
        this.#elapse();
        return;
      }
      const isOver = !this.#starting && isStartable(this.#host.states, this.#service);
      if (state.phase !== "running" || isOver) state = planTimer(settings, state, now, arithmetic);
      if (isDue(state, now)) {
        this.#change(state);
        this.#elapse();
        return;
      }
      this.#change(state);
      this.#arm();
      if (state.phase === "elapsed" && !this.#stays()) this.#context.finish();
    });
  }

  /** Whether it goes on when nothing is to come: what its unit does later may make it wait again. */
  #stays(): boolean {
    const { RemainAfterElapse = true, Elapse = [] } = decode(this.#data.timer);
    return RemainAfterElapse || Elapse.some(({ base }) => base === "unit-active" || base === "unit-inactive");
  }

  /** That it has elapsed, and that its unit is to be started, is one step: the next daemon goes on with both. */
  #elapse(): void {
    const host = this.#host;
    const { name } = this.#context;
    const now = host.instant();
    host.outbox.together(() => {
      this.#change(elapse(this.#state, now));
      this.#arm();
      if (decode(this.#data.timer).Persistent === true) host.stamps?.write(name, now.realtime);
      this.#context.log(`Timer '${name}' starts service ${this.#service}.`);
      this.#starting = true;
      startTriggered(host, this.#service, `timer ${name}`, () => {
        this.#starting = false;
        this.#wakeSoon();
      });
    });
  }

  #arm(): void {
    const { deadlines } = this.#host;
    for (const clock of ["realtime", "monotonic"] as const) {
      const alarm = alarmOf(this.#state.phase === "waiting" ? this.#state[clock] : undefined);
      if (alarm === Number.POSITIVE_INFINITY) deadlines.disarm(this.#alarms[clock]);
      else deadlines.armAt(this.#alarms[clock], clock, alarm, this.#wakeSoon);
    }
  }

  /** The one place where the state changes; it is noted with what belongs to the same step. */
  #change(state: UnitTimerState): void {
    if (JSON.stringify(state) === JSON.stringify(this.#state)) return;
    this.#state = state;
    this.#context.change(state);
  }
}

function observed(host: Host, service: string, state: UnitTimerState): UnitTimerState {
  return observe(state, host.states.of(service)?.state.statusChanges ?? [], host.instant());
}

/** When the supervisor began, by the monotonic clock: its keeper has never died. */
async function startupOf(host: Host): Promise<number> {
  const { monotonic, boottime } = host.instant();
  const keeper = await processStat(host.keeperPid);
  if (keeper === undefined) return monotonic;
  return Math.min(monotonic, Math.max(0, Math.round(keeper.start * tick - (boottime - monotonic))));
}

/** The arithmetic of calendars is loaded by the first timer that needs it, and not at boot. */
async function arithmeticOf(name: string, { unit, timer }: UnitTimerData): Promise<Arithmetic> {
  const { nextOccurrence } = await import("../timers/calendar/occurrences.js");
  const { RandomizedDelaySec = 0, FixedRandomDelay = false } = decode(timer);
  const most = Math.round(RandomizedDelaySec * 1000);
  if (most < 1) return { nextOccurrence, delay: () => 0 };
  if (!FixedRandomDelay) return { nextOccurrence, delay: () => Math.floor(Math.random() * most) };
  const fixed = await fixedDelay(`${unit}/${name}`, most);
  return { nextOccurrence, delay: () => fixed };
}

/** The same for this timer on this machine for ever. */
async function fixedDelay(of: string, most: number): Promise<number> {
  const machine = await readFile("/etc/machine-id", "utf8").catch(() => "");
  const digest = createHash("sha256")
    .update(`${machine.trim()}/${process.geteuid?.() ?? 0}/${of}`)
    .digest();
  return Number(digest.readBigUInt64LE() % BigInt(most));
}
