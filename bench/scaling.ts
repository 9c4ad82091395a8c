// What a service costs where there are many, beside what it costs where there are fewer: 1 is linear.

import { cells, judged, markdown, rowsOf, type Sample } from "./table.js";

/** Below it the cost of the supervisor itself is all that one sees. */
const smallest = 1000;

/** What a service adds to; of a rate, or the cost of one service, there is nothing to divide by their number. */
const perService = [
  "exec to all running, ms",
  "list, ms",
  "stop, services gone, ms",
  "memory, PSS MB",
  "memory, private dirty MB",
];

/** A table, or undefined where not enough sizes were measured. */
export function scaling(samples: readonly Sample[], isOurs: (peer: string) => boolean): string | undefined {
  const rows = rowsOf(samples);
  const lines = perService.flatMap((metric) => {
    const sizes = rows
      .flatMap((row) =>
        row.metric === metric && row.size !== undefined && row.size >= smallest
          ? [{ ...row, size: row.size }]
          : [],
      )
      .sort((a, b) => a.size - b.size);
    return sizes.slice(1).flatMap((many, index) => {
      const few = sizes[index];
      return [...many.medians].flatMap(([peer, value]) => {
        const before = few?.medians.get(peer);
        if (few === undefined || before === undefined || before === 0) return [];
        const growth = value / many.size / (before / few.size);
        const text = isOurs(peer) ? judged(growth) : growth.toFixed(2);
        return [cells([metric, `${few.size} → ${many.size}`, peer, text])];
      });
    });
  });
  if (lines.length === 0) return undefined;
  return markdown(["what", "services", "peer", "cost of a service, ratio"], lines);
}
