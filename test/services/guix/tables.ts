// What the definitions of Guix's services are compared with: tables of the facts, and how a test reads them off a service.

import assert from "node:assert/strict";
import { DefinitionError } from "../../../src/daemon/definition/check.js";
import { builtin, type ForkexecData } from "../../../src/daemon/definition/types.js";
import type { ShepherdService } from "../../../src/services/shepherd/service.js";
import { usualStop } from "../parts.js";

/** One process, as the specification's tables have it; what is undefined must be absent. */
export interface ProcessTable {
  readonly provision: readonly string[];
  readonly requirement: readonly string[];
  readonly command: readonly string[];
  readonly user?: string;
  readonly group?: string;
  readonly environment: readonly string[];
  readonly extraEnvironment?: readonly string[];
  readonly directory?: string;
  readonly pidFile?: string;
  readonly pidFileTimeout?: number;
  readonly logFile: string;
  readonly secretFiles?: readonly string[];
}

/** The data of a service's start. */
export function startData(service: ShepherdService): ForkexecData {
  const data = service.start[builtin];
  assert.equal(data?.kind, "forkexec", "its start runs a program, and is data");
  return data as ForkexecData;
}

export function commandOf(service: ShepherdService): readonly string[] {
  return startData(service).command;
}

/** Compares a service with its table, field by field. */
export function assertProcess(service: ShepherdService, table: ProcessTable): void {
  const { command, options } = startData(service);
  const { environmentVariables, extraEnvironmentVariables = [], ...rest } = options;
  const { secrets: _secrets, ...shown } = rest;
  const actual: Record<string, unknown> = {
    provision: service.provision,
    requirement: service.requirement,
    command,
    environment: environmentVariables,
    ...(extraEnvironmentVariables.length === 0 ? {} : { extraEnvironment: extraEnvironmentVariables }),
    ...shown,
  };
  assert.deepEqual(actual, { ...table });
  assert.deepEqual(service.stop[builtin], usualStop, "it is stopped by a signal to its group");
  assert.equal(service.respawn, true);
  assert.equal(service.oneShot, false);
  assert.equal(service.autoStart, true);
}

/** Checks that `body` throws a DefinitionError whose message has `pattern`, and none of `secrets`. */
export function assertRefused(body: () => unknown, pattern: RegExp, secrets: readonly string[] = []): void {
  assert.throws(body, (error) => {
    assert.ok(error instanceof DefinitionError, `expected a DefinitionError, got ${String(error)}`);
    assert.match(error.message, pattern);
    for (const secret of secrets)
      assert.ok(!error.message.includes(secret), `"${error.message}" has a secret`);
    return true;
  });
}

/** A value that the compiler would refuse. */
export function untyped(value: unknown): never {
  return value as never;
}
