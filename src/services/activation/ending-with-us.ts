// Processes that must not outlive us: what we have started in a process group of its own, or must end when we are ended.

const signals = ["SIGTERM", "SIGINT", "SIGHUP"] as const;

/**
 * Calls `end` where one of the usual signals ends us, before it does.
 *
 * @returns a function after whose call signals end us alone again
 */
export function endingWithUs(end: () => void): () => void {
  const forget = (): void => {
    for (const signal of signals) process.removeListener(signal, die);
  };
  const die = (signal: NodeJS.Signals): void => {
    forget();
    end();
    // As if nobody had caught it.
    process.kill(process.pid, signal);
  };
  for (const signal of signals) process.on(signal, die);
  return forget;
}
