// The turn of the event loop that is under way.

/** Calls `body` when no promise reaction of this turn is left, which is before anything else is read or fires. */
export function afterReactions(body: () => void): void {
  queueMicrotask(() => process.nextTick(body));
}

/** As `afterReactions`. */
export function reactionsOver(): Promise<void> {
  return new Promise((resolve) => afterReactions(resolve));
}
