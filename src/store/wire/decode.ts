// Decoders of the protocol's primitives. Each is a generator that runs on what has been received and pauses only where
// bytes are missing: an answer that came in one piece is decoded without a promise.

import type { Input } from "./input.js";

/** What a decoder waits for: more bytes, or something that a caller's stream has to do first. */
export type Wait = undefined | PromiseLike<unknown>;

export type Decoder<T> = Generator<Wait, T, void>;

/** What a daemon may send at most. Real ones stay far below. */
export const limits = {
  /** Bytes of one string or piece of data. */
  frame: 16 * 1024 ** 2,
  /** Bytes of the name of a store item, a hash or the like. */
  name: 64 * 1024,
  /** Items of a list. */
  items: 8 * 1024 ** 2,
} as const;

export function* int(input: Input, what: string): Decoder<number> {
  while (input.available < 8) yield* more(input, what);
  return input.takeInt(what);
}

export function* flag(input: Input, what: string): Decoder<boolean> {
  // Not by way of `int`: most answers to the request that is made most often are one of these.
  while (input.available < 8) yield* more(input, what);
  return input.takeInt(what) !== 0;
}

/** A number of 64 bits. Those that this is used for, sizes, are exact in a number of JavaScript. */
export function* long(input: Input, what: string): Decoder<number> {
  while (input.available < 8) yield* more(input, what);
  const value = input.takeLong();
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) input.fail(what, `${value} is no size`);
  return Number(value);
}

/** Passes over eight bytes, whatever they are. */
export function* anyWord(input: Input, what: string): Decoder<void> {
  while (input.available < 8) yield* more(input, what);
  input.takeLong();
}

/** Perhaps a view of what was received, which is valid until the decoder pauses next. */
export function* bytes(input: Input, what: string, limit: number = limits.frame): Decoder<Buffer> {
  const length = yield* int(input, `the length of ${what}`);
  if (length > limit) input.fail(what, `${length} bytes are more than the ${limit} that are accepted`);
  const padding = -length & 7;
  if (input.available >= length + padding) {
    const whole = input.takeSome(length);
    checkPadding(input, what, input.takeSome(padding));
    return whole;
  }
  const gathered = Buffer.allocUnsafe(length);
  for (let have = 0; have < length; ) {
    if (input.available === 0) yield* more(input, what);
    const piece = input.takeSome(length - have);
    piece.copy(gathered, have);
    have += piece.length;
  }
  while (input.available < padding) yield* more(input, what);
  checkPadding(input, what, input.takeSome(padding));
  return gathered;
}

/** Bytes that are no UTF-8 become U+FFFD. */
export function* string(input: Input, what: string, limit: number = limits.name): Decoder<string> {
  return (yield* bytes(input, what, limit)).toString();
}

export function* list<T>(input: Input, what: string, item: () => Decoder<T>): Decoder<readonly T[]> {
  const count = yield* int(input, `the number of ${what}`);
  if (count > limits.items) input.fail(what, `${count} are more than the ${limits.items} that are accepted`);
  const items: T[] = [];
  for (let index = 0; index < count; index++) items.push(yield* item());
  return items;
}

export function strings(input: Input, what: string): Decoder<readonly string[]> {
  return list(input, what, () => string(input, what));
}

export function pairs(input: Input, what: string): Decoder<readonly (readonly [string, string])[]> {
  return list(input, what, function* () {
    const first = yield* string(input, what);
    return [first, yield* string(input, what)] as const;
  });
}

/** What follows where nothing does. */
export function* nothing(): Decoder<void> {
  yield* [];
}

function* more(input: Input, what: string): Decoder<void> {
  input.demand(what);
  yield undefined;
}

function checkPadding(input: Input, what: string, padding: Buffer): void {
  for (const byte of padding) if (byte !== 0) input.fail(what, "its padding is not zero");
}
