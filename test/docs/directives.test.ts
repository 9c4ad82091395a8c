import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { document, withLists } from "./directives.js";

test("docs/systemd-units.md tells of directives what is so; node build/test/docs/directives.js writes it", () => {
  const text = readFileSync(document, "utf8");
  assert.equal(text, withLists(text));
});
