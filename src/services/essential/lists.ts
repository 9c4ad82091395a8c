// How most extensible services take their extensions: lists, put behind one another and behind what the service has itself.

/** One list of all contributions, in the order in which they come. */
export function concatenate<T>(contributions: readonly (readonly T[])[]): readonly T[] {
  return contributions.flat();
}

/** The service's own, then those of its extensions. */
export function append<T>(own: readonly T[], others: readonly T[]): readonly T[] {
  return [...own, ...others];
}

/** What was contributed, and nothing else: for services whose own value says nothing. */
export function contributed<T>(_own: readonly T[], others: readonly T[]): readonly T[] {
  return others;
}
