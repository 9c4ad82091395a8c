// Bytes as people read them.

const units = ["B", "KiB", "MiB", "GiB", "TiB"] as const;

/** In the greatest unit of which there is one. */
export function scaled(bytes: number): { readonly value: number; readonly unit: string } {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  return { value, unit: units[unit] ?? "" };
}

/** `12.3 MiB`, or `1 GiB` where it is just that. */
export function size(bytes: number): string {
  const { value, unit } = scaled(bytes);
  return `${unit === "B" || Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`;
}
