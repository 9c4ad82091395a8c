// What the tests of definitions share.

import assert from "node:assert/strict";
import { DefinitionError } from "../../../src/daemon/definition/check.js";
import type { Runtime } from "../../../src/daemon/definition/runtime.js";

const unused = (): never => assert.fail("nobody asked for that");

/** A daemon of which nothing is asked. */
export const idleRuntime: Runtime = {
  runStart: unused,
  runStop: unused,
  registerServices: unused,
  startInTheBackground: unused,
  startService: unused,
  stopService: unused,
  lookupService: unused,
  clientCommand: unused,
  launchService: unused,
  unusedServiceName: unused,
  triggerTimer: unused,
  reloadService: unused,
  updateRunningValue: unused,
  files: unused,
  statistics: unused,
  rotateLogs: unused,
  logFiles: unused,
};

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
