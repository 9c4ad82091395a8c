import assert from "node:assert/strict";
import { test } from "node:test";
import { toSexp } from "../../../src/daemon/control/values.js";
import { writeSexp } from "../../../src/protocol/sexp-writer.js";

test("lists keep their form, and what has none is printed", () => {
  assert.equal(writeSexp(toSexp([1, ["two", true], { three: 3 }])), '(1 ("two" #t) "{ three: 3 }")');
});

test("a list that holds itself is printed, not followed for ever", () => {
  const list: unknown[] = [1];
  list.push(list, list);
  assert.match(writeSexp(toSexp(list)), /^\(1 ".*Circular/);
});
