// When a timer unit elapses next: a pure function of its settings, of what it has seen of its unit, and of the clocks.

import type { TimerSettings } from "../../../systemd-compat/directives.js";
import type { TimerBase, TimerValue } from "../../../systemd-compat/values/triggers.js";
import type { CalendarEvent } from "../timers/calendar/event.js";
import type { Instant } from "../timers/plan.js";

// Types and not interfaces, since those are not known to be JSON. All times are whole milliseconds.

/** A change of the unit that the timer starts. */
export type Stamp = {
  /** Since the epoch, as its service's state has it: by this the same change is known again. */
  readonly at: number;
  /** By the clock that nobody sets. */
  readonly monotonic: number;
};

/** An instant at which it will elapse. */
export type Planned = {
  /** As its settings have it. */
  readonly at: number;
  /** By how much that is put off. */
  readonly delay: number;
};

/** The running value of a timer unit's service. */
export type UnitTimerState = {
  readonly type: "unit-timer";
  /** The unit that it starts. */
  readonly starts: string;
  /** `running`: its unit was started and is not down again. `elapsed`: nothing is to come, as far as is known. */
  readonly phase: "waiting" | "running" | "elapsed";
  /** When it was started itself. */
  readonly activated: Stamp;
  /** When the system was booted and when the supervisor began, by the monotonic clock. */
  readonly boot: number;
  readonly startup: number;
  /** When it elapsed last; of an earlier run only the time on the wall is known. */
  readonly trigger?: { readonly realtime: number; readonly monotonic?: number };
  /** When its unit last left the state of being down, and when it entered it. */
  readonly unitActive?: Stamp;
  readonly unitInactive?: Stamp;
  /** The indexes of those settings that elapse once and have done so. */
  readonly spent: readonly number[];
  readonly realtime?: Planned;
  readonly monotonic?: Planned;
};

export interface Arithmetic {
  /** The first occurrence of a calendar event after an instant; undefined where there is none. */
  readonly nextOccurrence: (event: CalendarEvent, after: number) => number | undefined;
  /** By how many milliseconds an instant is put off. */
  readonly delay: () => number;
}

type Elapse = NonNullable<TimerSettings["Elapse"]>;

const onceOnly: readonly TimerBase[] = ["active", "boot", "startup"];

/** Milliseconds between two runs at least, where the unit's settings have none between them. */
const shortestPause = 100;

/** The state with the instants that come next by either clock; `elapsed` where there is none. */
export function planTimer(
  { Elapse = [], OnClockChange = false }: TimerSettings,
  before: UnitTimerState,
  now: Instant,
  arithmetic: Arithmetic,
): UnitTimerState {
  const { realtime: wall, monotonic: steady, ...rest } = withoutFuture(before, now);
  const state: UnitTimerState = { ...rest, spent: spentOf(Elapse, rest, steady, now) };
  const realtime = earliest(Elapse.map((value) => occurrence(value, state, now, arithmetic)));
  const monotonic = earliest(
    Elapse.map((value, index) => (state.spent.includes(index) ? undefined : elapseOf(value, state))),
  );
  const phase = realtime === undefined && monotonic === undefined && !OnClockChange ? "elapsed" : "waiting";
  return {
    ...state,
    phase,
    ...(realtime === undefined ? {} : { realtime: plannedAt(realtime, wall, arithmetic) }),
    ...(monotonic === undefined ? {} : { monotonic: plannedAt(monotonic, steady, arithmetic) }),
  };
}

/** What follows when it elapses: its unit is started, and nothing is planned until that is down again. */
export function elapse(state: UnitTimerState, { realtime, monotonic }: Instant): UnitTimerState {
  const { realtime: _wall, monotonic: _steady, ...rest } = state;
  return { ...rest, phase: "running", trigger: { realtime, monotonic } };
}

/** Whether one of the planned instants has come. */
export function isDue({ phase, realtime, monotonic }: UnitTimerState, now: Instant): boolean {
  if (phase !== "waiting") return false;
  return alarmOf(realtime) <= now.realtime || alarmOf(monotonic) <= now.monotonic;
}

/** Infinity where nothing is planned. */
export function alarmOf(planned: Planned | undefined): number {
  return planned === undefined ? Number.POSITIVE_INFINITY : planned.at + planned.delay;
}

/** The same with what has become of the unit meanwhile. */
export function observe(
  state: UnitTimerState,
  changes: readonly { readonly status: string; readonly time: number }[],
  now: Instant,
): UnitTimerState {
  const inactive = changes.find(({ status }) => status === "stopped");
  const active = changes.find(
    ({ status }, index) => status !== "stopped" && (changes[index + 1]?.status ?? "stopped") === "stopped",
  );
  const unitActive = stampOf(state.unitActive, active?.time, now);
  const unitInactive = stampOf(state.unitInactive, inactive?.time, now);
  if (unitActive === state.unitActive && unitInactive === state.unitInactive) return state;
  return {
    ...state,
    ...(unitActive === undefined ? {} : { unitActive }),
    ...(unitInactive === undefined ? {} : { unitInactive }),
  };
}

/** The coming instants on the wall, at most `count`: those of calendar events, and the next one of the others. */
export function upcoming(
  { Elapse = [] }: TimerSettings,
  state: UnitTimerState,
  now: Instant,
  count: number,
  { nextOccurrence }: Pick<Arithmetic, "nextOccurrence">,
): number[] {
  if (state.phase !== "waiting" || count < 1) return [];
  const { realtime, monotonic } = state;
  const found = new Set<number>();
  if (monotonic !== undefined) found.add(alarmOf(monotonic) + now.realtime - now.monotonic);
  if (realtime !== undefined) {
    found.add(alarmOf(realtime));
    for (const value of Elapse) {
      if (value.base !== "calendar") continue;
      let next = nextOccurrence(value.event, realtime.at);
      for (let left = count; next !== undefined && left > 0; left -= 1) {
        found.add(next);
        next = nextOccurrence(value.event, next);
      }
    }
  }
  return [...found].sort((a, b) => a - b).slice(0, count);
}

/** A clock that was set back makes nothing wait until its former time has come again. */
function withoutFuture(state: UnitTimerState, now: Instant): UnitTimerState {
  const { trigger, activated } = state;
  return {
    ...state,
    ...(activated.at > now.realtime ? { activated: { ...activated, at: now.realtime } } : {}),
    ...(trigger !== undefined && trigger.realtime > now.realtime
      ? { trigger: { ...trigger, realtime: now.realtime } }
      : {}),
  };
}

/**
 * What elapses only once and is over is not looked at again; before the timer has ever elapsed, it elapses at once.
 *
 * @param pending what is planned and has not come, though it may only be put off
 */
function spentOf(
  values: Elapse,
  state: UnitTimerState,
  pending: Planned | undefined,
  now: Instant,
): readonly number[] {
  const { trigger, spent } = state;
  if (trigger === undefined) return spent;
  const over = values.flatMap((value, index) => {
    if (value.base === "calendar" || !onceOnly.includes(value.base)) return [];
    const elapse = elapseOf(value, state);
    if (elapse === undefined || elapse === pending?.at) return [];
    return elapse < now.monotonic || elapse <= (trigger.monotonic ?? -1) ? [index] : [];
  });
  return [...new Set([...spent, ...over])];
}

function occurrence(
  value: TimerValue,
  { trigger, activated, startup }: UnitTimerState,
  now: Instant,
  { nextOccurrence }: Arithmetic,
): number | undefined {
  if (value.base !== "calendar") return undefined;
  const next = nextOccurrence(value.event, trigger?.realtime ?? activated.at);
  // What was missed before the system was up is due when it came up, so that it is put off from then.
  const up = now.realtime - now.monotonic + startup;
  return next === undefined ? undefined : Math.max(next, Math.round(up));
}

function elapseOf(value: TimerValue, state: UnitTimerState): number | undefined {
  if (value.base === "calendar") return undefined;
  const base = baseOf(value.base, state);
  if (base === undefined) return undefined;
  const elapse = base + Math.round(value.seconds * 1000);
  const isOnce = onceOnly.includes(value.base);
  return isOnce ? elapse : Math.max(elapse, (state.trigger?.monotonic ?? -shortestPause) + shortestPause);
}

/** Undefined where what it counts from has not happened. */
function baseOf(base: TimerBase, state: UnitTimerState): number | undefined {
  const { activated, boot, startup, trigger, unitActive, unitInactive } = state;
  switch (base) {
    case "active":
      return activated.monotonic;
    case "boot":
      return boot;
    case "startup":
      return startup;
    case "unit-active":
      return latest(unitActive?.monotonic, trigger?.monotonic);
    case "unit-inactive":
      return latest(unitInactive?.monotonic, trigger?.monotonic);
  }
}

function latest(...times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.max(...known);
}

function earliest(times: readonly (number | undefined)[]): number | undefined {
  const known = times.filter((time) => time !== undefined && Number.isFinite(time)) as number[];
  return known.length === 0 ? undefined : Math.min(...known);
}

/** An instant that was planned already keeps its delay. */
function plannedAt(at: number, before: Planned | undefined, { delay }: Arithmetic): Planned {
  return before?.at === at ? before : { at, delay: delay() };
}

function stampOf(before: Stamp | undefined, time: number | undefined, now: Instant): Stamp | undefined {
  if (time === undefined) return before;
  const at = Math.round(time * 1000);
  if (before?.at === at) return before;
  return { at, monotonic: Math.max(0, Math.round(now.monotonic - Math.max(0, now.realtime - at))) };
}
