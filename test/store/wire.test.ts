// The primitives on the wire: against an independent encoder, in every division, at their bounds, and when they are wrong.

import assert from "node:assert/strict";
import { test } from "node:test";
import { TruncatedError, WireError } from "../../src/store/errors.js";
import {
  bytes,
  type Decoder,
  flag,
  int,
  limits,
  list,
  long,
  pairs,
  string,
  strings,
} from "../../src/store/wire/decode.js";
import { Encoder } from "../../src/store/wire/encoder.js";
import { Input } from "../../src/store/wire/input.js";
import * as raw from "./fake-daemon.js";

/** What a decoder makes of pieces of bytes that arrive one after the other, in memory that is used again. */
function decode<T>(
  make: (input: Input) => Decoder<T>,
  pieces: readonly Buffer[],
  ends = true,
): T | undefined {
  const input = new Input("peer");
  input.begin("subject");
  const decoder = make(input);
  let step = decoder.next();
  const memory = Buffer.alloc(Math.max(0, ...pieces.map(({ length }) => length)));
  for (const piece of pieces) {
    if (step.done === true) break;
    memory.fill(0xee);
    piece.copy(memory);
    input.push(memory.subarray(0, piece.length));
    step = decoder.next();
    input.keep();
  }
  if (step.done !== true && ends) {
    input.end();
    step = decoder.next();
  }
  return step.done === true ? step.value : undefined;
}

function divided(whole: Buffer, size: number): readonly Buffer[] {
  const count = Math.ceil(whole.length / size);
  return Array.from({ length: count }, (_, index) => whole.subarray(index * size, (index + 1) * size));
}

const everything = raw.all(
  raw.int(0xffffffff),
  raw.int(1),
  raw.int(2 ** 53 - 1),
  raw.str(""),
  raw.str("1234567"),
  raw.str("12345678"),
  raw.str("é😀"),
  raw.str(Buffer.from([0, 0xff])),
  raw.int(2),
  raw.str("a"),
  raw.str("b"),
  raw.int(1),
  raw.str("k"),
  raw.str("v"),
  raw.int(0),
);

function* allOfIt(input: Input): Decoder<readonly unknown[]> {
  return [
    yield* int(input, "a"),
    yield* flag(input, "b"),
    yield* long(input, "c"),
    yield* string(input, "d"),
    yield* string(input, "e"),
    yield* string(input, "f"),
    yield* string(input, "g"),
    Buffer.from(yield* bytes(input, "h")),
    yield* strings(input, "i"),
    yield* pairs(input, "j"),
    yield* list(input, "k", () => int(input, "l")),
  ];
}

const values = [
  0xffffffff,
  true,
  2 ** 53 - 1,
  "",
  "1234567",
  "12345678",
  "é😀",
  Buffer.from([0, 0xff]),
  ["a", "b"],
  [["k", "v"]],
  [],
];

test("the encoder's bytes", () => {
  const encoder = new Encoder();
  encoder
    .int(0xffffffff)
    .flag(true)
    .long(BigInt(2 ** 53 - 1));
  for (const text of ["", "1234567", "12345678", "é😀"]) encoder.string(text);
  encoder
    .bytes(Buffer.from([0, 0xff]))
    .strings(["a", "b"])
    .pairs([["k", "v"]])
    .int(0);
  assert.deepEqual(encoder.done(), everything);
  for (let length = 0; length < 600; length++) {
    const text = "x".repeat(length);
    const whole = new Encoder().string(text).bytes(Buffer.from(text)).raw(Buffer.from(text)).done();
    assert.deepEqual(whole, raw.all(raw.str(text), raw.str(text), Buffer.from(text)));
  }
});

test("the decoder's values, however the bytes are divided", () => {
  for (let size = 1; size <= everything.length; size++)
    assert.deepEqual(decode(allOfIt, divided(everything, size)), values, `in pieces of ${size} bytes`);
});

test("what is cut off is told by what is missing, and where", () => {
  for (let length = 0; length < everything.length; length++)
    assert.throws(
      () => decode(allOfIt, divided(everything.subarray(0, length), 7)),
      (error: Error) => {
        assert.ok(error instanceof TruncatedError);
        const [, what, at = ""] =
          /^peer: subject: (.+), at byte (\d+): the connection ended before it was whole$/.exec(
            error.message,
          ) ?? [];
        assert.ok(what !== undefined, error.message);
        assert.ok(Number(at) <= length);
        return true;
      },
    );
  assert.throws(() => decode((input) => string(input, "the name"), [raw.int(9), Buffer.from("1234")]), {
    message: "peer: subject: the name, at byte 12: the connection ended before it was whole",
  });
});

test("what is not in the protocol is told by what it is, and where", () => {
  const table: readonly (readonly [string, Decoders, Buffer, RegExp])[] = [
    ["33 bits", (i) => int(i, "a number"), raw.int(2 ** 32), /a number, at byte 0: 0x100000000 has more/],
    ["a negative number", (i) => int(i, "a number"), raw.int(-1), /0xffffffffffffffff has more than 32 bits/],
    ["a size", (i) => long(i, "a size"), raw.int(2n ** 63n), /a size, at byte 0: 9223372036854775808 is no/],
    ["padding", (i) => string(i, "it"), raw.all(raw.int(1), Buffer.from("a0000000")), /its padding is not/],
    ["late padding", (i) => string(i, "it"), raw.all(raw.int(7), Buffer.from("1234567\x01")), /its padding/],
    [
      "length of 33 bits",
      (i) => string(i, "it"),
      raw.int(2 ** 32),
      /the length of it, at byte 0: 0x100000000/,
    ],
    ["long name", (i) => string(i, "it"), raw.int(limits.name + 1), /65537 bytes are more than the 65536/],
    ["long data", (i) => bytes(i, "it"), raw.int(limits.frame + 1), /16777217 bytes are more than/],
    ["long list", (i) => strings(i, "them"), raw.int(limits.items + 1), /them, .*8388609 are more than/],
  ];
  for (const [name, make, sent, expected] of table)
    for (const size of [1, 5, 8, sent.length])
      assert.throws(
        () => decode(make, divided(sent, size)),
        (error: Error) => {
          assert.ok(error instanceof WireError && !(error instanceof TruncatedError), name);
          assert.match(error.message, expected, name);
          assert.match(error.message, /^peer: subject: /);
          return true;
        },
      );
});

type Decoders = (input: Input) => Decoder<unknown>;

test("positions count from the begin of a message", () => {
  const input = new Input("peer");
  input.begin("first");
  input.push(raw.all(raw.int(1), raw.int(2), raw.int(2 ** 40)));
  input.takeInt("a");
  input.begin("second");
  input.takeInt("b");
  assert.throws(() => input.takeInt("c"), /^StoreProtocolError: peer: second: c, at byte 8: /);
});

test("a list whose items are many and large ends at a bound", () => {
  const input = new Input("peer");
  input.begin("subject");
  const decoder = strings(input, "them");
  input.push(raw.int(limits.items));
  decoder.next();
  const item = raw.str("x".repeat(limits.name - 8));
  const many = Buffer.concat(Array.from({ length: 64 }, () => item));
  assert.throws(() => {
    for (;;) {
      input.push(many);
      decoder.next();
    }
  }, /the answer has more than the 536870912 bytes that are accepted/);
});
