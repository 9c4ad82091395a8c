// How long is waited for the log writer: as long as it gets on with what it was told, since thousands may be first.

/** In ms, for a log writer that answers nobody. */
export const patience = 10_000;

/** Resolves to true when the work is done, to false when there was no progress for so long; rejects as the work does. */
export async function endsInTime(work: Promise<void>, progress: () => number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<false>((resolve) => {
    const wait = (before: number): void => {
      const look = (): void => {
        const now = progress();
        if (now === before) resolve(false);
        else wait(now);
      };
      timer = setTimeout(look, patience).unref();
    };
    wait(progress());
  });
  try {
    return await Promise.race([work.then(() => true), expired]);
  } finally {
    clearTimeout(timer);
  }
}
