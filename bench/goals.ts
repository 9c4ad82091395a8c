// What we want to reach, row by row: a number, or a rival's figure in the same run.

export interface Goal {
  readonly metric: string | RegExp;
  /** Absent: at any size. */
  readonly size?: number;
  /** An upper bound; a lower one for what is better when there is more of it. */
  readonly bound: number | RivalsFigure;
}

interface RivalsFigure {
  readonly times: number;
  readonly rival: string;
  /** What it took on a machine of two cores, for where it is absent. */
  readonly recorded: number;
  /** What others took beside it: as they are here, so the recorded figure is taken to be. */
  readonly beside: Readonly<Record<string, number>>;
}

const rival = (
  name: string,
  times: number,
  recorded: number,
  beside: RivalsFigure["beside"] = {},
): RivalsFigure => ({ times, rival: name, recorded, beside });

export const goals: readonly Goal[] = [
  {
    metric: "exec to all running, ms",
    size: 100,
    bound: rival("gnu-shepherd", 0.4, 641, { runit: 264, s6: 620 }),
  },
  {
    metric: "exec to all running, ms",
    size: 1000,
    bound: rival("dinit", 1.15, 1104, { runit: 1942, s6: 4471 }),
  },
  { metric: "chain of 100, ms", bound: rival("dinit", 1.3, 181, { "gnu-shepherd": 873 }) },
  { metric: "status of one, ms", bound: 4 },
  { metric: "respawn after kill -9, ms", bound: rival("dinit", 1, 2.2, { runit: 3.4, "gnu-shepherd": 9.3 }) },
  { metric: "stop, services gone, ms", size: 100, bound: rival("dinit", 1, 11.1, { runit: 24.3, s6: 53.6 }) },
  { metric: "stop, services gone, ms", size: 1000, bound: rival("dinit", 1, 62.2, { runit: 194, s6: 382 }) },
  { metric: "log, MB/s", bound: rival("s6", 1, 257) },
  { metric: "log, lines lost", bound: 0 },
  { metric: "log, CPU s", bound: rival("s6", 1, 0.3) },
  { metric: "10,000 orphans reaped as PID 1, ms", bound: rival("tini", 1, 329) },
  { metric: /^idle CPU/, bound: 0 },
  { metric: /^wake-ups/, bound: 0 },
  { metric: "memory, PSS MB", size: 100, bound: 25 },
  { metric: "memory, private dirty MB", size: 1000, bound: 20 },
  { metric: "hibernating, PSS MB", size: 100, bound: 1.5 },
  { metric: "status that wakes it, ms", bound: 150 },
];

export interface ReachedGoal {
  readonly text: string;
  readonly value: number;
}

/** The goal of a row; `median` gives a peer's figure in it. */
export function goalOf(
  metric: string,
  size: number | undefined,
  median: (peer: string) => number | undefined,
): ReachedGoal | undefined {
  const goal = goals.find(
    (one) =>
      (typeof one.metric === "string" ? one.metric === metric : one.metric.test(metric)) &&
      (one.size === undefined || one.size === size),
  );
  if (goal === undefined) return undefined;
  if (typeof goal.bound === "number") return { text: String(goal.bound), value: goal.bound };
  const { times, rival: name, recorded, beside } = goal.bound;
  const here = median(name);
  const text = times === 1 ? name : `${times} × ${name}`;
  if (here !== undefined) return { text, value: times * here };
  const scale = scaleOf(beside, median);
  if (scale === undefined) return { text: `${text} (recorded: ${recorded})`, value: times * recorded };
  const scaled = recorded * scale;
  return {
    text: `${text} (recorded: ${recorded}; as ${Object.keys(beside).join(" and ")} do here: ${Number(scaled.toPrecision(3))})`,
    value: times * scaled,
  };
}

/** By how much the figures of those who were recorded beside a rival differ here: the geometric mean. */
function scaleOf(
  beside: RivalsFigure["beside"],
  median: (peer: string) => number | undefined,
): number | undefined {
  const logarithms = Object.entries(beside).flatMap(([peer, recorded]) => {
    const here = median(peer);
    return here === undefined || here <= 0 ? [] : [Math.log(here / recorded)];
  });
  if (logarithms.length === 0) return undefined;
  return Math.exp(logarithms.reduce((sum, one) => sum + one, 0) / logarithms.length);
}

export const moreIsBetter = (metric: string): boolean => metric.endsWith("MB/s");
