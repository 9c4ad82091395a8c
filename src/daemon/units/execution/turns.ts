// One thing after the other, for what two at a time would spoil.

const queues = new Map<string, Promise<unknown>>();

/** Does `work` once everything is over that was asked for under the same key before. */
export async function inTurn<T>(key: string, work: () => Promise<T>): Promise<T> {
  const before = queues.get(key) ?? Promise.resolve();
  const done = before.then(work, work);
  const settled = done.catch(() => undefined);
  queues.set(key, settled);
  try {
    return await done;
  } finally {
    if (queues.get(key) === settled) queues.delete(key);
  }
}
