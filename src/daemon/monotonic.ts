// A clock that nobody sets.

/** Milliseconds. Node's own `performance` would be loaded for it, at the start or just when something is to be ended. */
export function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
