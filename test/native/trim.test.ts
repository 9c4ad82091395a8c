// The module that gives memory back: it must leave a working program, and be no condition for one.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { it } from "node:test";
import { trimmer } from "../../src/daemon/idle-heap.js";

const module = resolve(import.meta.dirname, "../../../dist/native/trim.node");

/** In KiB: what is mapped of files, most of it the program's own. */
function fileMemory(): number {
  return Number(/^RssFile:\s+(\d+)/m.exec(readFileSync("/proc/self/status", "latin1"))?.[1]);
}

it("drops the clean pages of the program, which goes on", () => {
  const trim = trimmer(module);
  const before = fileMemory();
  trim();
  const after = fileMemory();
  assert.ok(after < before * 0.7, `${before} KiB before, ${after} KiB after`);
  for (let round = 0; round < 20; round += 1) {
    trim();
    assert.deepEqual(JSON.parse(JSON.stringify({ a: [round, "b"] })), { a: [round, "b"] });
    assert.equal(new Intl.NumberFormat("en").format(1234), "1,234");
  }
});

it("is done without where it is not there", () => {
  trimmer("/nowhere/trim.node")();
});

it("is done without where it is something else", () => {
  trimmer(resolve(import.meta.dirname, "../../../package.json"))();
});
