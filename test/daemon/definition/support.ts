// What the tests of definitions share.

import assert from "node:assert/strict";
import { DefinitionError } from "../../../src/daemon/definition/check.js";

/** The message of the DefinitionError that `body` throws. */
export function mistake(body: () => unknown): string {
  try {
    body();
  } catch (error) {
    assert.ok(error instanceof DefinitionError, `expected a DefinitionError, got ${String(error)}`);
    return error.message;
  }
  assert.fail("nothing was thrown");
}

/** A value that the compiler would refuse, as plain JavaScript may pass it. */
export function untyped(value: unknown): never {
  return value as never;
}

/** Whether nobody can change `value` any more, lists and records in it included. */
export function isFrozenThroughout(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return true;
  return Object.isFrozen(value) && Object.values(value).every(isFrozenThroughout);
}
