// A pair of pseudo-terminals: nothing is lost of what was printed, be it never so late.

import assert from "node:assert/strict";
import { closeSync, constants, openSync, writeSync } from "node:fs";
import { test } from "node:test";
import { Holder } from "../../src/console/holder.js";
import { loadNative, Pty } from "../../src/console/pty.js";
import { withoutTerminals } from "../support/terminals.js";
import { waitFor } from "../support/wait.js";

const size = { columns: 80, rows: 24 };

test("what was printed just before the end arrives, also where the end comes before it was read", {
  skip: withoutTerminals,
}, async () => {
  const native = await loadNative();
  for (const length of [1, 1000]) {
    let shown = "";
    let logged = "";
    let over = false;
    const holder = new Holder({
      size,
      scrollback: 100,
      log: {
        write: (text) => {
          logged += text;
          return true;
        },
      },
      over: () => {
        over = true;
      },
    });
    const pty = new Pty(native, size, undefined, {
      output: (bytes) => {
        shown += bytes;
        holder.output(bytes);
      },
      ended: () => holder.ended(),
    });
    holder.hold(pty);
    const other = openSync(pty.path, constants.O_RDWR | constants.O_NOCTTY);
    pty.letGo();
    const text = "x".repeat(length);
    writeSync(other, `${text}\n`);
    // In the same turn: no event has told of it.
    holder.finish({ reason: "ended" });
    assert.equal(shown, `${text}\r\n`);
    assert.equal(logged, `${text}\n`);
    assert.ok(over);
    closeSync(other);
  }
});

test("nothing is lost by a hang-up, and nobody waits for a terminal that is silent", {
  skip: withoutTerminals,
}, async () => {
  const native = await loadNative();
  let shown = "";
  let ended = false;
  const pty = new Pty(native, size, undefined, {
    output: (bytes) => {
      shown += bytes;
    },
    ended: () => {
      ended = true;
    },
  });
  pty.drain();
  assert.equal(shown, "");
  const other = openSync(pty.path, constants.O_RDWR | constants.O_NOCTTY);
  pty.letGo();
  writeSync(other, "last words\n");
  closeSync(other);
  await waitFor("the end is noticed", () => ended);
  assert.equal(shown, "last words\r\n");
});
