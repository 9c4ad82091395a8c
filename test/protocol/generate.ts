// Random s-expressions and garbage from a seed, so that a failure can be repeated.
import { DottedList, keyword, type Sexp, SexpLiteral, SexpVector, sym } from "../../src/protocol/sexp.js";

/** Numbers in [0, 1), the same for the same seed. */
export type Random = () => number;

export function randomFrom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function below(random: Random, limit: number): number {
  return Math.floor(random() * limit);
}

export function pick<T>(random: Random, items: readonly T[]): T {
  const item = items[below(random, items.length)];
  if (item === undefined) throw new Error("cannot pick from an empty list");
  return item;
}

const characters = [..."abcXYZ019 +-.*/()[]{}#;:\"'`,@|\\\n\t\r\x00\x1b\x7f\x85éß漢\u200b😀\ufeff"];

export function randomText(random: Random): string {
  return Array.from({ length: below(random, 12) }, () => pick(random, characters)).join("");
}

const numbers = [0, -1, 42, 2 ** 53 - 1, 0.1, -1.5, 1e-7, 1.5e300, Infinity, -Infinity];
const bigints = [2n ** 64n, -(2n ** 100n)];
const literals = ["1/3", "5.0", "-0.0", "1e21", "#\\a", "#\\("];

export function randomSexp(random: Random, depth: number): Sexp {
  const kind = below(random, depth > 0 ? 11 : 7);
  const items = () => Array.from({ length: below(random, 5) }, () => randomSexp(random, depth - 1));
  switch (kind) {
    case 0:
      return randomText(random);
    case 1:
      return pick(random, numbers);
    case 2:
      return pick(random, bigints);
    case 3:
      return random() < 0.5;
    case 4:
      return sym(randomText(random));
    case 5:
      return keyword(randomText(random));
    case 6:
      return new SexpLiteral(pick(random, literals));
    case 7:
      return new SexpVector(items());
    case 8:
      return new DottedList([randomSexp(random, depth - 1), ...items()], randomSexp(random, 0));
    default:
      return items();
  }
}
