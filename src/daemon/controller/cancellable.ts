// A start that can be given up while user code, or a process, goes on with it.

/** Settles with `work`, or rejects as soon as `signal` is aborted; what `work` gives after that goes to `late`. */
export function cancellable<T>(
  work: Promise<T>,
  signal: AbortSignal,
  late: (value: T) => Promise<void>,
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const abort = (): void => {
      work.then(late).catch(() => undefined);
      reject(signal.reason as Error);
    };
    if (signal.aborted) {
      abort();
      return;
    }
    signal.addEventListener("abort", abort, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
