// A timer as its status tells of it, and its runs as they tell of themselves.

export interface PastRun {
  /** A raw wait status, or what is told in its place. */
  readonly status: string;
  /** Seconds since the epoch. */
  readonly start: number;
  readonly end: number;
}

export interface TimerView {
  /** The runs that go on: numbers in the namespace, and seconds since the epoch. */
  readonly processes: readonly { readonly pid: number; readonly start: number }[];
  /** Newest first. */
  readonly past: readonly PastRun[];
}

/** What one run has written down. */
export interface TimedRun {
  readonly mark: string;
  /** Seconds since the epoch, and whole. */
  readonly time: number;
}

/** Undefined where the service has no timer as its running value. */
export function parseTimer(service: string): TimerView | undefined {
  const [, processes, past] =
    /\(running \(timer .*?\(processes \((.*?)\)\) \(remaining-occurrences .*?\(past-runs \((.*?)\)\)\)\) \(/.exec(
      service,
    ) ?? [];
  if (processes === undefined || past === undefined) return undefined;
  return {
    processes: [...processes.matchAll(/\((\d+) \. (\d+)\)/g)].map(([, pid, start]) => ({
      pid: Number(pid),
      start: Number(start),
    })),
    past: [...past.matchAll(/(\S+) (\d{9,}) (\d{9,})\)/g)].map(([, status = "", end, start]) => ({
      status: status.replace(/^\(+/, ""),
      start: Number(start),
      end: Number(end),
    })),
  };
}

export function parseRuns(line: string): TimedRun {
  const [mark = "", time] = line.split(" ");
  return { mark, time: Number(time) };
}

export function describeTimer({ processes, past }: TimerView): string {
  const going = processes.map(({ pid, start }) => `${pid} since ${start}`);
  const gone = past.slice(0, 8).map(({ status, start, end }) => `${status} ${start}–${end}`);
  return `, runs ${going.join(" ") || "-"}, past ${gone.join(", ")}`;
}
