// The time that a process of a unit may take: a timer of the keeper's, so that it passes while there is no daemon too.

import type { UnitRun } from "./run.js";

/** Longer than any timeout that is meant to come about: some thirty years, in seconds. */
export const endless = 1e9;

export interface Limit {
  /** Resolves when the time is over. */
  readonly over: Promise<void>;
  readonly isOver: boolean;
  /** The process has asked for so many seconds from now. */
  extend(seconds: number): void;
  /** It does not matter any more. */
  end(): void;
}

/**
 * Arms the timer of a process that is spawned in the same turn, or goes on with that of an earlier daemon's.
 * @param seconds what a process has that no daemon has armed it for
 */
export function limitOf(run: UnitRun, child: string, seconds: number): Limit {
  const { deadlines } = run.host;
  const timer = `step/${child}`;
  const state = { isOver: run.state.processes.some(({ id, late }) => id === child && late === true) };
  let resolve: () => void = () => undefined;
  const over = new Promise<void>((done) => {
    resolve = done;
  });
  // Runs in the step that acknowledges the timer, so that the next daemon knows.
  const fire = (): void => {
    state.isOver = true;
    run.dispatch({ type: "late", child });
    resolve();
  };
  if (state.isOver) resolve();
  else if (deadlines.takeOver(timer, fire) === undefined && seconds < endless)
    deadlines.arm(timer, seconds, fire);
  return {
    over,
    get isOver() {
      return state.isOver;
    },
    extend: (more) => {
      if (!state.isOver) deadlines.arm(timer, more, fire);
    },
    end: () => deadlines.disarm(timer),
  };
}
