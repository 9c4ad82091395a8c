// Numbers that look random and are the same in each run, for tests that try many inputs.

/** A generator of numbers from 0 to below 1 (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Texts of up to `most` pieces. */
export function randomTexts(seed: number, count: number, pieces: readonly string[], most: number): string[] {
  const next = randomNumbers(seed);
  return Array.from({ length: count }, () =>
    Array.from(
      { length: Math.floor(next() * (most + 1)) },
      () => pieces[Math.floor(next() * pieces.length)],
    ).join(""),
  );
}
