// What will be done, as data: a pure function of the seed, so that the same seed does the same again.

import { type CrashPoint, pointName } from "./ambush.js";
import { crashPoints, type NamedPoint, type Occasion } from "./crash-points.js";
import { bySpawn, fleet, mains, memberOf, modules } from "./fleet.js";
import { type Chance, chance } from "./random.js";

export type Operation =
  | { readonly verb: "start" | "stop" | "restart" | "enable" | "disable"; readonly service: string }
  | { readonly verb: "load" | "reload"; readonly module: string }
  | { readonly verb: "unload" | "rotate" | "connect" | "trigger" | "spawn"; readonly service: string }
  | { readonly verb: "send"; readonly service: string; readonly lines: number }
  | { readonly verb: "relaunch" | "upgrade" }
  | { readonly verb: "crash"; readonly service: string; readonly by: "SIGKILL" | "SIGTERM" | number }
  | { readonly verb: "flood"; readonly service: string; readonly lines: number };

export interface Planned {
  readonly operation: Operation;
  /** Milliseconds after the round's beginning. */
  readonly at: number;
  /** Whether our own client asks; else it is the bytes of a GNU herd. */
  readonly byHerd: boolean;
}

export interface Kill {
  readonly victim: "daemon" | "writer";
  /** Milliseconds after the round's beginning or, with `answerOf`, after that operation's answer. */
  readonly at: number;
  readonly answerOf?: number;
  /** Only if no daemon has come to the round's crash point when all operations are answered. */
  readonly isFallback?: true;
}

/** A kill by strace, before a process's n-th call of one kind after the round's beginning. */
export interface Trace {
  readonly victim: Kill["victim"];
  readonly call: string;
  readonly nth: number;
}

/** Operations beside one another, and kills in the midst of them; then the model is checked. */
export interface Round {
  readonly operations: readonly Planned[];
  readonly kills: readonly Kill[];
  readonly ambush: readonly CrashPoint[];
  readonly trace?: Trace;
}

/** The life of one system. */
export interface Episode {
  /** Where the first daemons die. */
  readonly boot: readonly CrashPoint[];
  readonly rounds: readonly Round[];
  /** What happens while it is told to end. */
  readonly ending: Round;
}

export interface PlanOptions {
  /** Crash points whose name has this are the only instants. */
  readonly points?: string;
  /** Only the log writer is killed, while services print. */
  readonly writerOnly?: boolean;
}

/** How long operations of a round go on being sent, in ms. */
const span = 120;
/** Kills that one system bears before it is told to end. */
const episodeKills = 40;

export function plan(seed: number, kills: number, options: PlanOptions = {}): readonly Episode[] {
  const { points = "" } = options;
  const random = chance(seed);
  const all: readonly Occasion[] = [
    "recovery",
    "restart",
    "respawn",
    "daemonize",
    "kill",
    "module",
    "writer",
    "relaunch",
    "upgrade",
    "function",
    "client",
    "connection",
    "timer",
    "rotation",
    "system-log",
    "readiness",
  ];
  const turns = {
    boot: turnsOf(crashPoints(["boot"]), points, random),
    rounds: turnsOf(crashPoints(all), points, random),
    ending: turnsOf(crashPoints(["shutdown"]), points, random),
  };
  const episodes: Episode[] = [];
  for (let left = kills; left > 0; left -= episodeKills) {
    const boot = random.once(2) || points !== "" ? turns.boot() : undefined;
    const count = Math.min(left, episodeKills);
    const rounds =
      options.writerOnly === true
        ? Array.from({ length: count }, () => planFlood(random))
        : planRounds(random, count, points === "", turns.rounds);
    const ending = planEnding(random, turns.ending());
    episodes.push({ boot: boot === undefined ? [] : [{ ...boot, skip: 0 }], rounds, ending });
  }
  return episodes;
}

type Turn = NamedPoint & { readonly occasion: Occasion };

/** One after the other, from a place of the seed's own. */
function turnsOf(all: readonly Turn[], filter: string, random: Chance): () => Turn | undefined {
  const points = all.filter((point) => pointName({ ...point, skip: 0 }).includes(filter));
  let next = points.length === 0 ? 0 : random.below(points.length);
  return () => points[next++ % points.length];
}

function planRounds(
  random: Chance,
  kills: number,
  anyInstant: boolean,
  turn: () => Turn | undefined,
): readonly Round[] {
  const rounds: Round[] = [];
  for (let left = kills; left > 0; ) {
    const point = anyInstant && random.once(2) ? undefined : turn();
    const round = point === undefined ? planRound(random, left) : planAmbush(random, point, turn);
    left -= round.kills.length;
    rounds.push(round);
  }
  return rounds;
}

function planOperations(random: Chance, most: number): readonly Planned[] {
  return Array.from({ length: 1 + random.below(most) }, () => ({
    operation: planOperation(random),
    at: random.below(span),
    byHerd: random.once(6),
  }));
}

function planRound(random: Chance, most: number): Round {
  const operations = planOperations(random, 7);
  const first = planKill(random, operations);
  // Sometimes the next daemon does not live long either: recovery must bear the same.
  const again: Kill = { victim: "daemon", at: first.at + 20 + random.below(250) };
  // The log writer has something to lose while services print.
  const floods = operations.filter(({ operation }) => operation.verb === "flood");
  const writers = floods.map(({ at }): Kill => ({ victim: "writer", at: at + random.below(40) }));
  const more = [...(random.once(5) ? [again] : []), ...(random.once(3) ? [] : writers)];
  return { operations, kills: [first, ...more].slice(0, most), ambush: [] };
}

/** A round in which a daemon is brought to a crash point; and sometimes the next one to another. */
function planAmbush(random: Chance, point: Turn, turn: () => Turn | undefined): Round {
  const provoking = provoke(point.occasion, random).map((operation, index) => ({
    operation,
    at: index * 60,
    byHerd: point.occasion === "client" || random.once(6),
  }));
  const others = random.once(3) ? [] : planOperations(random, 3);
  const skip = random.once(4) ? 1 + random.below(3) : 0;
  const next = random.once(5) ? turn() : undefined;
  const ambush = [{ ...point, skip }, ...(next === undefined ? [] : [{ ...next, skip: 0 }])];
  return {
    operations: [...provoking, ...others],
    ambush: ambush.map(({ when, label, skip }) => ({ when, label, skip })),
    kills: [killFor(point.occasion, random)],
  };
}

function killFor(occasion: Occasion, random: Chance): Kill {
  if (occasion === "recovery") return { victim: "daemon", at: random.below(span) };
  if (occasion === "writer") return { victim: "writer", at: 0 };
  return { victim: "daemon", at: 0, isFallback: true };
}

/** A round in which the log writer dies with its hands full. */
function planFlood(random: Chance): Round {
  const floods = ["plain", "chatty", "base"].map((service) => ({
    operation: { verb: "flood", service, lines: 1000 + random.below(4000) } as const,
    at: 0,
    byHerd: false,
  }));
  const rotation = { operation: { verb: "trigger", service: "log-rotation" }, byHerd: false } as const;
  const send: Planned = { operation: sending(1000 + random.below(4000)), at: 0, byHerd: false };
  const rotations = random.pick<readonly Planned[]>([
    [],
    [rotationOf("plain", random), rotationOf("chatty", random)],
    [{ ...rotation, at: random.below(100) }],
  ]);
  return {
    operations: [...floods, send, ...rotations],
    kills: [{ victim: "writer", at: 5 + random.below(100) }],
    ambush: [],
  };
}

function rotationOf(service: string, random: Chance): Planned {
  return { operation: { verb: "rotate", service }, at: random.below(100), byHerd: false };
}

/** What brings a daemon to a crash point of this kind. */
function provoke(occasion: Occasion, random: Chance): readonly Operation[] {
  switch (occasion) {
    case "restart":
    case "client":
      return [{ verb: "restart", service: random.pick(["plain", "chatty", "base", "family", "phoenix"]) }];
    case "respawn":
      return [
        {
          verb: "crash",
          service: random.pick(["phoenix", "hydra", "hydra", "mayfly", "revenant", "again", "undying"]),
          by: "SIGKILL",
        },
      ];
    case "daemonize":
      return [{ verb: "restart", service: random.pick(["daemon", "undying", "slow"]) }];
    case "kill":
      return [{ verb: "restart", service: random.pick(["scattered", "stubborn"]) }];
    case "module":
      if (random.once(3)) return [{ verb: "spawn", service: "job" }];
      return random.once(4)
        ? [{ verb: "reload", module: random.pick(mains) }]
        : [
            { verb: "load", module: "guest.ts" },
            { verb: "unload", service: "guest" },
          ];
    case "connection": {
      const service = random.pick(doors);
      const connect = { verb: "connect", service } as const;
      return random.once(3) ? [{ verb: "restart", service }, connect] : [connect, connect];
    }
    case "rotation":
      return [
        { verb: "flood", service: "plain", lines: 1000 },
        { verb: "trigger", service: "log-rotation" },
      ];
    case "system-log":
      return random.once(2)
        ? [sending(2000), { verb: "restart", service: "system-log" }]
        : [sending(2000), { verb: "stop", service: "system-log" }, { verb: "start", service: "system-log" }];
    case "readiness":
      return [{ verb: "restart", service: "ready" }];
    case "timer":
      return [
        { verb: "trigger", service: "bell" },
        { verb: "trigger", service: "endless" },
        // Whose run is ended by that before its time is over.
        { verb: "restart", service: "endless" },
      ];
    case "relaunch":
    case "upgrade":
      return [{ verb: occasion }];
    case "function":
      return [{ verb: "restart", service: random.pick(["custom", "revenant", "again"]) }];
    default:
      return [];
  }
}

/** The lines of a flood are in danger while everything is stopped, and so is the end itself. */
function planEnding(random: Chance, point: Turn | undefined): Round {
  const floods = ["plain", "chatty"].map((service) => ({
    operation: { verb: "flood", service, lines: 500 + random.below(3000) } as const,
    at: random.below(30),
    byHerd: false,
  }));
  const again: Kill = { victim: "daemon", at: random.below(1500) };
  const isNamed = point !== undefined && !random.once(4);
  return {
    operations: floods,
    ambush: isNamed ? [{ when: point.when, label: point.label, skip: 0 }] : [],
    kills: isNamed && random.once(2) ? [] : [again],
  };
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

/** One kind of operation, and how often it is chosen. To be added to as the supervisor learns more. */
interface Kind {
  readonly weight: number;
  readonly make: (random: Chance) => Operation;
}

const sending = (lines: number): Operation => ({ verb: "send", service: "system-log", lines });
const anyService = (random: Chance): string => random.pick(fleet).name;
/** Those that clients connect to. */
const doors = ["door", "window"] as const;
const anyProcess = (random: Chance): string => {
  const service = anyService(random);
  const { kind, scattered } = memberOf(service);
  return kind === "process" && !scattered ? service : "phoenix";
};
/** A module that can be loaded beside the configuration, if the service needs one. */
const loadableOf = (service: string): string | undefined =>
  modules.find((module) => module === memberOf(service).module);

/** For a service of the configuration, or for one of a module. */
const either = (
  inConfiguration: (service: string) => Operation,
  inModule: (service: string, module: string) => Operation,
): Kind["make"] => {
  return (random) => {
    const service = anyService(random);
    if (memberOf(service).module === bySpawn) return { verb: "spawn", service };
    const module = loadableOf(service);
    return module === undefined ? inConfiguration(service) : inModule(service, module);
  };
};

const kinds: readonly Kind[] = [
  {
    weight: 6,
    make: either(
      (service) => ({ verb: "start", service }),
      (_, module) => ({ verb: "load", module }),
    ),
  },
  { weight: 4, make: (random) => ({ verb: "stop", service: anyService(random) }) },
  { weight: 4, make: (random) => ({ verb: "restart", service: anyService(random) }) },
  // Enabled more often than disabled, or soon nothing could be started.
  {
    weight: 2,
    make: (random) => {
      const service = anyService(random);
      return { verb: memberOf(service).module === undefined ? "disable" : "unload", service };
    },
  },
  {
    weight: 4,
    make: either(
      (service) =>
        memberOf(service).module === undefined ? { verb: "enable", service } : { verb: "start", service },
      (_, module) => ({ verb: "load", module }),
    ),
  },
  { weight: 2, make: (random) => ({ verb: "load", module: random.pick(modules) }) },
  { weight: 1, make: (random) => ({ verb: "reload", module: random.pick(mains) }) },
  { weight: 1, make: () => ({ verb: "relaunch" }) },
  { weight: 1, make: () => ({ verb: "upgrade" }) },
  { weight: 4, make: (random) => ({ verb: "connect", service: random.pick(doors) }) },
  {
    weight: 4,
    make: (random) => ({
      verb: "trigger",
      service: random.pick(["bell", "bell", "ticker", "endless", "log-rotation"]),
    }),
  },
  { weight: 3, make: (random) => sending(200 + random.below(4000)) },
  { weight: 2, make: () => ({ verb: "spawn", service: "job" }) },
  { weight: 2, make: (random) => ({ verb: "rotate", service: anyProcess(random) }) },
  { weight: 2, make: (random) => ({ verb: "crash", service: anyProcess(random), by: "SIGKILL" }) },
  { weight: 2, make: (random) => ({ verb: "crash", service: anyProcess(random), by: "SIGTERM" }) },
  {
    weight: 2,
    make: (random) => ({ verb: "crash", service: anyProcess(random), by: 1 + random.below(120) }),
  },
  {
    weight: 4,
    make: (random) => ({ verb: "flood", service: anyProcess(random), lines: 200 + random.below(8000) }),
  },
];
const totalWeight = kinds.reduce((sum, { weight }) => sum + weight, 0);

function planOperation(random: Chance): Operation {
  let rest = random.below(totalWeight);
  for (const { weight, make } of kinds) {
    if (rest < weight) return make(random);
    rest -= weight;
  }
  throw new Error("choose an operation: the weights do not add up");
}

export function describeOperation(operation: Operation): string {
  switch (operation.verb) {
    case "load":
    case "reload":
      return `${operation.verb} ${operation.module}`;
    case "relaunch":
      return "restart root";
    case "upgrade":
      return "upgrade keeper";
    case "crash":
      return `crash ${operation.service} by ${typeof operation.by === "number" ? `exit ${operation.by}` : operation.by}`;
    case "send":
      return `send ${operation.lines} messages to ${operation.service}`;
    case "flood":
      return `flood ${operation.service} with ${operation.lines} lines`;
    default:
      return `${operation.verb} ${operation.service}`;
  }
}
