// The figures as Markdown: ours beside the machine's limit, the best rival and the goal; then every peer's.

import { goalOf, moreIsBetter } from "./goals.js";
import { median } from "./measure.js";

export interface Sample {
  readonly peer: string;
  readonly round: number;
  readonly metric: string;
  readonly size?: number;
  readonly value: number;
}

export interface PeerKinds {
  readonly ours: string;
  readonly limits: readonly string[];
  /** Those whose figure in a row is no measure of ours, such as the log of who logs nothing. */
  readonly incomparable: (peer: string, metric: string) => boolean;
}

/** What was measured of one thing: each peer's median. */
interface Row {
  readonly metric: string;
  readonly size?: number;
  readonly medians: ReadonlyMap<string, number>;
}

export function rowsOf(samples: readonly Sample[]): readonly Row[] {
  const rows = new Map<string, Map<string, number[]>>();
  for (const { metric, size, peer, value } of samples) {
    const key = JSON.stringify([metric, size]);
    const peers = rows.get(key) ?? new Map<string, number[]>();
    rows.set(key, peers);
    peers.set(peer, [...(peers.get(peer) ?? []), value]);
  }
  return [...rows].map(([key, peers]) => {
    const [metric, size] = JSON.parse(key) as [string, number | null];
    return {
      metric,
      ...(size === null ? {} : { size }),
      medians: new Map([...peers].map(([peer, values]) => [peer, median(values)])),
    };
  });
}

export function comparison(samples: readonly Sample[], kinds: PeerKinds): string {
  const lines = rowsOf(samples).map(({ metric, size, medians }) => {
    const own = medians.get(kinds.ours);
    const best = bestRival(metric, medians, kinds);
    const goal = goalOf(metric, size, (peer) => medians.get(peer));
    const limits = kinds.limits.flatMap((peer) => {
      const value = medians.get(peer);
      return value === undefined ? [] : [`${peer === "limit" ? "" : `${peer}: `}${figure(value)}`];
    });
    return cells([
      title(metric, size),
      limits.join("; ") || "–",
      figure(own),
      best === undefined ? "–" : `${best.peer} ${figure(best.value)}`,
      ratio(metric, own, best?.value),
      goal?.text ?? "–",
      ratio(metric, own, goal?.value),
    ]);
  });
  return markdown(
    ["what", "machine's limit", "ours", "best rival", "ours / best", "goal", "ours / goal"],
    lines,
  );
}

export function everyPeer(samples: readonly Sample[]): string {
  const peers = [...new Set(samples.map(({ peer }) => peer))];
  const lines = rowsOf(samples).map(({ metric, size, medians }) =>
    cells([title(metric, size), ...peers.map((peer) => figure(medians.get(peer)))]),
  );
  return markdown(["what", ...peers], lines);
}

function bestRival(
  metric: string,
  medians: ReadonlyMap<string, number>,
  { ours, limits, incomparable }: PeerKinds,
): { readonly peer: string; readonly value: number } | undefined {
  const sign = moreIsBetter(metric) ? -1 : 1;
  const [best] = [...medians]
    .filter(([peer]) => peer !== ours && !limits.includes(peer) && !incomparable(peer, metric))
    .sort(([, a], [, b]) => sign * (a - b));
  return best === undefined ? undefined : { peer: best[0], value: best[1] };
}

const title = (metric: string, size: number | undefined): string =>
  size === undefined ? metric : `${metric}, N = ${size}`;

function figure(value: number | undefined): string {
  if (value === undefined) return "–";
  if (value >= 100) return Math.round(value).toLocaleString("en");
  return value === 0 ? "0" : value.toFixed(value >= 10 ? 1 : 2);
}

/** Below 1: ours is the better. Where more is better it is the other way round, so that a table reads in one way. */
function ratio(metric: string, own: number | undefined, other: number | undefined): string {
  if (own === undefined || other === undefined) return "–";
  const [above, below] = moreIsBetter(metric) ? [other, own] : [own, other];
  // Nothing at all is what both want.
  if (below === 0) return above === 0 ? "1.00" : "∞";
  return (above / below).toFixed(2);
}

const cells = (words: readonly string[]): string => `| ${words.join(" | ")} |`;

function markdown(head: readonly string[], lines: readonly string[]): string {
  return [cells(head), cells(head.map(() => "---")), ...lines, ""].join("\n");
}
