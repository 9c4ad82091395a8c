// A console's parts that need no terminal: frames, names of sockets, scrollback, and the log's plain text.

import assert from "node:assert/strict";
import { test } from "node:test";
import { PlainText } from "../../src/console/plain-text.js";
import { withoutQuestions } from "../../src/console/replay.js";
import { Scrollback } from "../../src/console/scrollback.js";
import { beforeKey, parseDetachKey } from "../../src/herd/attach/detach-key.js";
import { TerminalModes } from "../../src/herd/attach/terminal-modes.js";
import { consoleFileName, encodeFrame, FrameReader, frameTypes } from "../../src/protocol/console.js";

test("frames arrive whole, in whatever pieces they come, and one that is too long is refused", () => {
  const reader = new FrameReader();
  const sent = encodeFrame(frameTypes.output, Buffer.from("hello"));
  const got = [...sent].flatMap((byte) => reader.feed(Buffer.from([byte])));
  assert.deepEqual(
    got.map(({ type, bytes }) => [type, bytes.toString()]),
    [[frameTypes.output, "hello"]],
  );
  assert.throws(() => new FrameReader().feed(Buffer.from([2, 255, 255, 255, 255])), /too long/);
});

test("no service's name leads out of the directory of consoles, and no two names are one file", () => {
  for (const name of ["../x", "..", ".", "a/b", "x".repeat(200), "%2E"]) {
    const file = consoleFileName(name);
    assert.match(file, /^[^./][^/]{0,50}$/);
  }
  assert.notEqual(consoleFileName("x".repeat(199)), consoleFileName("x".repeat(200)));
  assert.notEqual(consoleFileName("a/b"), consoleFileName("a%2Fb"));
});

test("scrollback is bounded and begins with a whole line", () => {
  const scrollback = new Scrollback(12);
  scrollback.push(Buffer.from("first line\n"));
  scrollback.push(Buffer.from("second\nthird"));
  assert.equal(scrollback.contents().toString(), "third");
});

test("the log gets text without control sequences, be they cut anywhere", () => {
  const plain = new PlainText();
  const got = [..."\u001b[1;31mred\u001b[0m\r\n\u001b]0;title\u0007x"].map((c) => plain.feed(Buffer.from(c)));
  assert.equal(Buffer.concat(got).toString(), "red\nx");
});

test("a detach key is found in what was typed", () => {
  assert.equal(beforeKey(Buffer.from("ab\u001dc"), parseDetachKey("ctrl-]"))?.toString(), "ab");
  assert.equal(beforeKey(Buffer.from("ab\u001d"), parseDetachKey("none")), undefined);
  assert.throws(() => parseDetachKey("escape"));
});

test("modes that a program has switched on are switched off at the end", () => {
  const modes = new TerminalModes();
  modes.see(Buffer.from("\u001b[?10"));
  modes.see(Buffer.from("49h\u001b[?25l\u001b[?2004h\u001b[?2004l"));
  assert.equal(modes.reset(), "\u001b[0m\u001b[?1049l\u001b[?25h");
});

test("scrollback takes no more than its limit, in however small pieces it comes", () => {
  const scrollback = new Scrollback(8);
  for (const character of "one\ntwo\nthree\nfour") scrollback.push(Buffer.from(character));
  assert.equal(scrollback.contents().toString(), "four");
  const whole = new Scrollback(8);
  whole.push(Buffer.from("12345678"));
  assert.equal(whole.contents().toString(), "12345678");
  const none = new Scrollback(0);
  none.push(Buffer.from("x"));
  assert.equal(none.contents().length, 0);
});

test("what asks a terminal something is not shown again, and all else is", () => {
  const questions = [
    "\u001b[6n",
    "\u001b[c",
    "\u001b[>0c",
    "\u001b]11;?\u0007",
    "\u001bP+q544e\u001b\\",
    "\u001b[18t",
  ];
  const shown = "\u001b[1;31mred\u001b[0m \u001b[?25l\u001b[2J\u001b]0;title\u0007 what? \u00fc";
  const replayed = withoutQuestions(Buffer.from(questions.join(shown)));
  assert.equal(replayed.toString(), shown.repeat(questions.length - 1));
});

test("a detach key is found in whatever way the terminal reports it", () => {
  const key = parseDetachKey("ctrl-a");
  for (const sent of ["\u0001", "\u001b[97;5u", "\u001b[27;5;97~"])
    assert.equal(beforeKey(Buffer.from(`x${sent}y`), key)?.toString(), "x");
});

test("what is no mode, and yet lasts, is undone too", () => {
  const modes = new TerminalModes();
  for (const character of "\u001b[>4;2m\u001b=\u001b[3 q") modes.see(Buffer.from(character));
  for (const undone of ["\u001b[>4;0m", "\u001b>", "\u001b[0 q"])
    assert.ok(modes.reset().includes(undone), undone);
});
