// What we want to reach, row by row: a number, or a rival's figure in the same run.

export interface Goal {
  readonly metric: string | RegExp;
  /** Absent: at any size. */
  readonly size?: number;
  /** An upper bound; a lower one for what is better when there is more of it. */
  readonly bound: number | { readonly times: number; readonly rival: string; readonly recorded: number };
}

/** `recorded`: what the rival took on a machine of two cores, for where it is absent. */
const rival = (name: string, times: number, recorded: number): Goal["bound"] => ({
  times,
  rival: name,
  recorded,
});

export const goals: readonly Goal[] = [
  { metric: "exec to all running, ms", size: 100, bound: rival("gnu-shepherd", 0.4, 641) },
  { metric: "exec to all running, ms", size: 1000, bound: rival("dinit", 1.15, 1104) },
  { metric: "chain of 100, ms", bound: rival("dinit", 1.3, 181) },
  { metric: "status of one, ms", bound: 4 },
  { metric: "respawn after kill -9, ms", bound: rival("dinit", 1, 2.2) },
  { metric: "stop, services gone, ms", size: 100, bound: rival("dinit", 1, 11.1) },
  { metric: "stop, services gone, ms", size: 1000, bound: rival("dinit", 1, 62.2) },
  { metric: "log, MB/s", bound: rival("s6", 1, 257) },
  { metric: "log, lines lost", bound: 0 },
  { metric: "log, CPU s", bound: rival("s6", 1, 0.3) },
  { metric: "10,000 orphans reaped as PID 1, ms", bound: rival("tini", 1, 329) },
  { metric: /^idle CPU/, bound: 0 },
  { metric: /^wake-ups/, bound: 0 },
  { metric: "memory, PSS MB", size: 100, bound: 25 },
  { metric: "memory, private dirty MB", size: 1000, bound: 20 },
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
  const { times, rival: name, recorded } = goal.bound;
  const here = median(name);
  const text = times === 1 ? name : `${times} × ${name}`;
  return here === undefined
    ? { text: `${text} (recorded: ${recorded})`, value: times * recorded }
    : { text, value: times * here };
}

export const moreIsBetter = (metric: string): boolean => metric.endsWith("MB/s");
