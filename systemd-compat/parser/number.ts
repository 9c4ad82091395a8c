// Numbers of every kind that units have: integers, booleans, modes, percentages, sizes.

import { stripStart } from "./text.js";

const yes = new Set(["1", "yes", "y", "true", "t", "on"]);
const no = new Set(["0", "no", "n", "false", "f", "off"]);

/** In any case of letters; undefined where it is neither. */
export function parseBoolean(text: string): boolean | undefined {
  const word = text.toLowerCase();
  if (yes.has(word)) return true;
  return no.has(word) ? false : undefined;
}

/** An integer as C writes them: decimal, hexadecimal after `0x`, octal after `0` or `0o`, binary after `0b`. */
export function parseInteger(text: string): number | undefined {
  const [, sign, digits = ""] =
    /^([+-]?)(0[xX][0-9a-fA-F]+|0[oO][0-7]+|0[bB][01]+|\d+)$/.exec(stripStart(text)) ?? [];
  if (sign === undefined || /^0\d*[89]/.test(digits)) return undefined;
  const magnitude = Number(/^0\d/.test(digits) ? `0o${digits.slice(1)}` : digits);
  if (!Number.isSafeInteger(magnitude)) return undefined;
  return sign === "-" && magnitude !== 0 ? -magnitude : magnitude;
}

/** An integer within bounds. */
export function parseBounded(text: string, least: number, most: number): number | undefined {
  const value = parseInteger(text);
  return value !== undefined && value >= least && value <= most ? value : undefined;
}

/** Largest numbers of C's types. */
export const largest = { unsigned: 2 ** 32 - 1, integer: 2 ** 31 - 1 } as const;

/** A file mode in octal, up to 7777. */
export function parseMode(text: string): number | undefined {
  const [digits = ""] = /^[0-7]+$/.exec(stripStart(text)) ?? [];
  const mode = Number.parseInt(digits, 8);
  return mode <= 0o7777 ? mode : undefined;
}

/** Digits after the decimal point that each sign allows, and how many of it make the whole. */
const shares: Readonly<Record<string, readonly [decimals: number, whole: number]>> = {
  "%": [2, 100],
  "‰": [1, 1000],
  "‱": [0, 10_000],
};

/** A share, such as `12.5%`, as a number of which 1 is the whole; up to it unless `unbounded`. */
export function parseShare(text: string, unbounded = false): number | undefined {
  const [, number = "", decimals = "", sign = ""] = /^(\d{1,9})(?:\.(\d+))?([%‰‱])$/.exec(text) ?? [];
  const [most, whole] = shares[sign] ?? [-1, 1];
  if (decimals.length > most) return undefined;
  const parts = Number(`${number}.${decimals}`) / whole;
  return unbounded || parts <= 1 ? parts : undefined;
}

/** Characters of a size; more are a mistake. */
const longest = 1000;

const prefixes = ["E", "P", "T", "G", "M", "K"] as const;

/**
 * A size in bytes: numbers with units, each smaller than the one before: `64M`, `1G 512M`, `1.5K`. Undefined where it is none
 * or does not fit into 64 bits.
 * @param base what `K` stands for
 */
export function parseSize(text: string, base: 1000 | 1024 = 1024): number | undefined {
  if (text.length > longest) return undefined;
  let rest = text;
  let sum = 0;
  let smallest = Number.POSITIVE_INFINITY;
  do {
    const [all, whole = "", decimals = "", unit = ""] =
      /^[ \t\n\r]*\+?(\d+)(?:\.(\d*))?[ \t\n\r]*([EPTGMKB]?)/.exec(rest) ?? [];
    if (all === undefined) return undefined;
    // A bare number is smaller than one of bytes: `1B 1` is a size, strange as it is.
    const rank = unit === "" ? -1 : unit === "B" ? 0 : prefixes.length - prefixes.indexOf(unit as "K");
    if (rank >= smallest) return undefined;
    smallest = rank;
    const factor = base ** Math.max(rank, 0);
    sum += Number(whole) * factor + Math.floor(Number(`0.${decimals}`) * factor);
    rest = rest.slice(all.length);
  } while (rest !== "");
  return sum < 2 ** 64 ? sum : undefined;
}
