// The token of the service `web`: made for its user alone, once, and refused where others could have it.

import assert from "node:assert/strict";
import {
  chmodSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { ownToken, readToken, TokenError } from "../../src/web/token.js";
import { isToken } from "../../src/web/token-rule.js";
import type { Scope } from "../support/harness.js";

function directory(scope: Scope): string {
  const made = mkdtempSync(join(tmpdir(), "shepherd-token-"));
  scope.after(() => rmSync(made, { recursive: true, force: true }));
  return made;
}

const refused = (body: () => string, pattern: RegExp): void =>
  assert.throws(body, (error) => error instanceof TokenError && pattern.test(error.message));

it("makes a token once, whatever the umask", (t) => {
  const file = join(directory(t), "token");
  const old = process.umask(0);
  t.after(() => process.umask(old));
  const token = ownToken(file);
  assert.ok(isToken(token));
  assert.equal(statSync(file).mode & 0o777, 0o600);
  assert.equal(readFileSync(file, "utf8"), `${token}\n`);
  assert.equal(ownToken(file), token);
  assert.deepEqual(readdirSync(join(file, "..")), ["token"]);
});

it("does not believe what others could have put there", (t) => {
  const at = directory(t);
  const file = join(at, "token");
  writeFileSync(file, "x".repeat(32), { mode: 0o600 });
  assert.equal(ownToken(file), "x".repeat(32));
  chmodSync(file, 0o640);
  refused(() => ownToken(file), /others have access/);
  const link = join(at, "link");
  symlinkSync(file, link);
  refused(() => ownToken(link), /cannot open/);
  refused(() => ownToken(join(at, "missing", "token")), /cannot make .*No such file/);
});

it("reads a token from a file of the user's", (t) => {
  const file = join(directory(t), "token");
  refused(() => readToken(file), /No such file/);
  writeFileSync(file, "some-token-of-mine\n");
  assert.equal(readToken(file), "some-token-of-mine");
  for (const text of [
    "",
    "short",
    "two words of some length",
    "x".repeat(2000),
    "x".repeat(20).concat("\u00e9"),
  ]) {
    writeFileSync(file, text);
    refused(() => readToken(file), /expected a token/);
  }
  refused(() => readToken("/dev/null"), /no regular file/);
});
