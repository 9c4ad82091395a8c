// What the tests of timers share: a clock that they set, and timers over a fake keeper.

import type { Constructor } from "../../../src/daemon/definition/types.js";
import type { Instant } from "../../../src/daemon/timers/plan.js";
import { isTimer } from "../../../src/daemon/timers/state.js";
import type { TimerState } from "../../../src/daemon/timers/types.js";
// Loaded here, so that no test has to wait for it.
import "../../../src/daemon/timers/calendar/occurrences.js";
import { rest, stateOf } from "../../support/crashes.js";
import { client, definition, settle, type TestSystem } from "../../support/system.js";

/** The clocks of a machine that was booted an hour before. */
export class Clock {
  #realtime: number;
  #monotonic = 3_600_000;
  #asleep = 0;

  constructor(date: string) {
    this.#realtime = Date.parse(date);
  }

  /** Time goes by. */
  pass(seconds: number): void {
    this.#realtime += seconds * 1000;
    this.#monotonic += seconds * 1000;
  }

  /** As `pass`, while the machine sleeps. */
  sleep(seconds: number): void {
    this.#realtime += seconds * 1000;
    this.#asleep += seconds * 1000;
  }

  /** Somebody sets the clock on the wall, by so much. */
  set(seconds: number): void {
    this.#realtime += seconds * 1000;
  }

  readonly instant = (): Instant => ({
    realtime: this.#realtime,
    monotonic: this.#monotonic,
    boottime: this.#monotonic + this.#asleep,
  });
}

export const hour = 3600;
export const day = 24 * hour;

/** A service that is a timer, as `service` makes it but for its actions. */
export function timer(
  start: Constructor,
  options: Parameters<typeof definition>[1] = {},
): ReturnType<typeof definition> {
  return definition("tick", { start, ...options });
}

export function timerOf(test: TestSystem): TimerState {
  const { value } = stateOf(test, "tick");
  if (!isTimer(value)) throw new Error("tick has no timer's value");
  return value;
}

export async function start({ system }: TestSystem): Promise<void> {
  await system.supervisor.start("tick", [], client());
  await settle();
}

/** The keeper's timer goes off. */
export async function fire(test: TestSystem, id = "timer/tick"): Promise<void> {
  test.keeper.fire(id);
  await rest(test);
}

/** The commands' processes that live. */
export function runs({ keeper }: TestSystem): readonly string[] {
  return keeper.children.filter(({ state }) => state !== "ended").map(({ id }) => id);
}

export async function end(test: TestSystem, code = 0): Promise<void> {
  const [id] = runs(test);
  if (id === undefined) throw new Error("nothing runs that could end");
  test.keeper.end(id, { code });
  await rest(test);
}
