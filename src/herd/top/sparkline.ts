// A row of small bars for a row of percentages, the newest on the right.

const bars = { unicode: "▁▂▃▄▅▆▇█", ascii: "_.-=+*#@" } as const;
/** The highest bar stands for no less, so that what does next to nothing does not look busy. */
const LEAST_PEAK = 10;

export function sparkline(values: readonly number[], width: number, unicode: boolean): string {
  const shown = values.slice(-width);
  const characters = [...(unicode ? bars.unicode : bars.ascii)];
  const peak = Math.max(LEAST_PEAK, ...shown);
  const heights = shown.map((value) =>
    Math.min(characters.length - 1, Math.floor((Math.max(0, value) / peak) * characters.length)),
  );
  return heights.map((height) => characters[height]).join("");
}
