// What will be done, as data: a pure function of the seed, so that the same seed does the same again.

import { fleet, memberOf, modules } from "./fleet.js";
import { type Chance, chance } from "./random.js";

export type Operation =
  | { readonly verb: "start" | "stop" | "restart" | "enable" | "disable"; readonly service: string }
  | { readonly verb: "load"; readonly module: string }
  | { readonly verb: "unload"; readonly service: string }
  | { readonly verb: "crash"; readonly service: string; readonly by: "SIGKILL" | "SIGTERM" | number }
  | { readonly verb: "flood"; readonly service: string; readonly lines: number };

export interface Planned {
  readonly operation: Operation;
  /** Milliseconds after the round's beginning. */
  readonly at: number;
}

export interface Kill {
  readonly victim: "daemon" | "writer";
  /** Milliseconds after the round's beginning or, with `answerOf`, after that operation's answer. */
  readonly at: number;
  readonly answerOf?: number;
}

/** Operations beside one another, and kills in the midst of them; then the model is checked. */
export interface Round {
  readonly operations: readonly Planned[];
  readonly kills: readonly Kill[];
}

/** How long operations of a round go on being sent, in ms. */
const span = 120;

export function plan(seed: number, kills: number): readonly Round[] {
  const random = chance(seed);
  const rounds: Round[] = [];
  let left = kills;
  while (left > 0) {
    const round = planRound(random, left);
    left -= round.kills.length;
    rounds.push(round);
  }
  return rounds;
}

function planRound(random: Chance, most: number): Round {
  const operations = Array.from({ length: 1 + random.below(7) }, () => ({
    operation: planOperation(random),
    at: random.below(span),
  }));
  const first = planKill(random, operations);
  // Sometimes the next daemon does not live long either: recovery must bear the same.
  const again: Kill = { victim: "daemon", at: first.at + 20 + random.below(250) };
  // The log writer has something to lose while services print.
  const floods = operations.filter(({ operation }) => operation.verb === "flood");
  const writers = floods.map(({ at }): Kill => ({ victim: "writer", at: at + random.below(40) }));
  const more = [...(random.once(5) ? [again] : []), ...(random.once(3) ? [] : writers)];
  return { operations, kills: [first, ...more].slice(0, most) };
}

/** At any instant; or soon after an operation was sent, or at its answer, since then there is much to lose. */
function planKill(random: Chance, operations: readonly Planned[]): Kill {
  const index = random.below(operations.length);
  const sent = operations[index]?.at ?? 0;
  switch (random.below(4)) {
    case 0:
      return { victim: "daemon", at: random.below(2 * span) };
    case 1:
      return { victim: "daemon", at: 0, answerOf: index };
    default:
      // Rather sooner than later: what an operation begins is quickly done.
      return { victim: "daemon", at: sent + random.below(1 + random.below(30)) };
  }
}

function planOperation(random: Chance): Operation {
  const [first, ...others] = fleet;
  const { name: service } = random.pick([first, ...others]);
  const { module, kind } = memberOf(service);
  const running = kind === "process" ? service : "phoenix";
  switch (random.below(16)) {
    case 0:
    case 1:
    case 2:
      return module === undefined ? { verb: "start", service } : { verb: "load", module };
    case 3:
    case 4:
      return { verb: "stop", service };
    case 5:
    case 6:
      return { verb: "restart", service };
    // Enabled more often than disabled, or soon nothing could be started.
    case 7:
      return module === undefined ? { verb: "disable", service } : { verb: "unload", service };
    case 8:
    case 9:
      return module === undefined ? { verb: "enable", service } : { verb: "load", module };
    case 10:
      return { verb: "load", module: random.pick([modules[0] ?? "", ...modules.slice(1)]) };
    case 11:
      return { verb: "crash", service: running, by: "SIGKILL" };
    case 12:
      return { verb: "crash", service: running, by: "SIGTERM" };
    case 13:
      return { verb: "crash", service: running, by: 1 + random.below(120) };
    default:
      return { verb: "flood", service: running, lines: 200 + random.below(8000) };
  }
}

export function describeOperation(operation: Operation): string {
  switch (operation.verb) {
    case "load":
      return `load ${operation.module}`;
    case "crash":
      return `crash ${operation.service} by ${typeof operation.by === "number" ? `exit ${operation.by}` : operation.by}`;
    case "flood":
      return `flood ${operation.service} with ${operation.lines} lines`;
    default:
      return `${operation.verb} ${operation.service}`;
  }
}
