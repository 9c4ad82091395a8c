// Escape sequences as in C, one at a time, and the characters that words of unit files are made of.

export interface Escape {
  /** What it stands for, one character for each byte. */
  readonly bytes: string;
  /** Characters of the sequence after the backslash. */
  readonly length: number;
}

const simple: Readonly<Record<string, string>> = {
  a: "\x07",
  b: "\b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
  "\\": "\\",
  '"': '"',
  "'": "'",
  // Not C's, but systemd's.
  s: " ",
};

/**
 * The escape sequence that follows a backslash at `at`: `\n` and its like, `\s` (a space), `\xHH`, `\OOO` (always three
 * digits), `\uHHHH`, `\UHHHHHHHH`. Undefined where there is none; NUL cannot be written.
 */
export function escapeAt(text: string, at: number): Escape | undefined {
  const character = text.charAt(at);
  const known = Object.hasOwn(simple, character) ? simple[character] : undefined;
  if (known !== undefined) return { bytes: known, length: 1 };
  const rest = text.slice(at, at + 9);
  const byte = /^x([0-9a-fA-F]{2})/.exec(rest);
  if (byte !== null) return ofCode(Number.parseInt(byte[1] ?? "", 16), 3);
  const octal = /^[0-7]{3}/.exec(rest);
  if (octal !== null) return ofCode(Number.parseInt(octal[0], 8), 3);
  const unicode = /^(?:u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(rest);
  return unicode === null ? undefined : ofCharacter(unicode[1] ?? unicode[2] ?? "");
}

function ofCode(code: number, length: number): Escape | undefined {
  return code === 0 || code > 0xff ? undefined : { bytes: String.fromCharCode(code), length };
}

function ofCharacter(digits: string): Escape | undefined {
  const code = Number.parseInt(digits, 16);
  // Halves of surrogate pairs are no characters.
  if (code === 0 || code > 0x10_ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  const bytes = Buffer.from(String.fromCodePoint(code), "utf8").toString("latin1");
  return { bytes, length: digits.length + 1 };
}
