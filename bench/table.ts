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
  /** The plain one first, then its variants. */
  readonly ours: readonly string[];
  readonly limits: readonly string[];
  /** Those whose figure in a row is no measure of ours, such as the log of who logs nothing. */
  readonly incomparable: (peer: string, metric: string) => boolean;
}

/** What was measured of one thing: each peer's median. */
export interface Row {
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
  const lines = rowsOf(samples).flatMap((row) =>
    kinds.ours.filter((peer) => row.medians.has(peer)).map((peer) => comparedRow(row, peer, kinds)),
  );
  return markdown(
    ["what", "machine's limit", "ours", "best rival", "ours / best", "goal", "ours / goal"],
    lines,
  );
}

/** One row of one of ours. */
function comparedRow({ metric, size, medians }: Row, ours: string, kinds: PeerKinds): string {
  const own = medians.get(ours);
  const best = bestRival(metric, medians, kinds);
  const goal = goalOf(metric, size, (peer) => medians.get(peer));
  const limits = kinds.limits.flatMap((peer) => {
    const value = medians.get(peer);
    return value === undefined ? [] : [`${peer === "limit" ? "" : `${peer}: `}${figure(value)}`];
  });
  return cells([
    `${title(metric, size)}${ours === kinds.ours[0] ? "" : ` (${variant(ours)})`}`,
    limits.join("; ") || "–",
    figure(own),
    best === undefined ? "–" : `${best.peer} ${figure(best.value)}`,
    ratio(quotient(metric, own, best?.value)),
    goal?.text ?? "–",
    judged(quotient(metric, own, goal?.value)),
  ]);
}

const variant = (name: string): string => name.slice(name.indexOf("+"));

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
    .filter(([peer]) => !ours.includes(peer) && !limits.includes(peer) && !incomparable(peer, metric))
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
function quotient(metric: string, own: number | undefined, other: number | undefined): number | undefined {
  if (own === undefined || other === undefined) return undefined;
  const [above, below] = moreIsBetter(metric) ? [other, own] : [own, other];
  // Nothing at all is what both want.
  if (below === 0) return above === 0 ? 1 : Number.POSITIVE_INFINITY;
  return above / below;
}

function ratio(value: number | undefined): string {
  if (value === undefined) return "–";
  return Number.isFinite(value) ? value.toFixed(2) : "∞";
}

/** A ratio to a goal, and whether that is missed, or missed twice over. */
export function judged(value: number | undefined): string {
  const text = ratio(value);
  if (value === undefined) return text;
  // As it is printed: what reads 1.00 is reached.
  const rounded = Number(value.toFixed(2));
  if (rounded <= 1) return `${text} ✓`;
  return rounded <= 2 ? `**${text} ✗**` : `**${text} ✗✗**`;
}

export const cells = (words: readonly string[]): string => `| ${words.join(" | ")} |`;

export function markdown(head: readonly string[], lines: readonly string[]): string {
  return [cells(head), cells(head.map(() => "---")), ...lines, ""].join("\n");
}
