// Copies of the user's data that nobody can change afterwards: what was checked is what is run.

/** A frozen copy of lists and records of plain values, all the way down. The data is shallow: it was checked. */
export function frozenCopy<T>(value: T): T {
  if (typeof value !== "object" || value === null) return value;
  const copy = Array.isArray(value)
    ? value.map((item: unknown) => frozenCopy(item))
    : Object.fromEntries(Object.entries(value).map(([key, item]) => [key, frozenCopy<unknown>(item)]));
  return Object.freeze(copy) as T;
}
