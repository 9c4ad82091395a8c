// What the tests of units that start others share: the service of a unit from its text, over a fake keeper.

import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { carrying } from "../../../src/daemon/definition/as-data.js";
import { builtin, type Constructor, type ServiceDefinition } from "../../../src/daemon/definition/types.js";
import type { System, SystemParts } from "../../../src/daemon/system.js";
import { encode } from "../../../src/daemon/units/encoded.js";
import { placesOf } from "../../../src/daemon/units/execution/places.js";
import type { AnyUnitData, UnitData } from "../../../src/daemon/units/types.js";
import type { TranslationContext } from "../../../systemd-compat/translate/context.js";
import { connectionInstance } from "../../../systemd-compat/translate/context.js";
import { translatePath } from "../../../systemd-compat/translate/path.js";
import { serviceNameOf } from "../../../systemd-compat/translate/service-names.js";
import { translateSocket } from "../../../systemd-compat/translate/socket.js";
import { translateTimer } from "../../../systemd-compat/translate/timer.js";
import type { FakeKeeper } from "../../support/fake-keeper.js";
import { client, definition, fakeKeeper, settle, type TestSystem, testSystem } from "../../support/system.js";
import { unitOf } from "../../systemd-compat/fixtures.js";

/** @param template the text of the service of connections */
function contextOf(template?: string): TranslationContext {
  const head: TranslationContext["head"] = ({ name, assignments }) => ({
    unit: name.full,
    files: assignments.slice(0, 1).map(({ file }) => file),
    conditions: [],
    asserts: [],
    notApplied: [],
    strict: false,
  });
  return {
    strict: false,
    unit: () => undefined,
    head,
    service: (unit) => ({ ...head(unit), kind: "unit", service: encode(unit.service), sockets: [] }),
    connectionNeeds: () => undefined,
    connection(socket): UnitData | undefined {
      if (template === undefined) return undefined;
      const name = socket.replace(/\.socket$/, `@${connectionInstance}.service`);
      const unit = unitOf(name, template);
      return unit.type === "service"
        ? { ...head(unit), kind: "unit", service: encode(unit.service), sockets: [] }
        : undefined;
    },
  };
}

/** The data of a socket, a timer or a path. */
export function dataOf(name: string, text: string, template?: string): AnyUnitData {
  const unit = unitOf(name, text);
  assert.equal(unit.state, "loaded", JSON.stringify(unit.diagnostics));
  const context = contextOf(template);
  switch (unit.type) {
    case "socket":
      return translateSocket(unit, context).data;
    case "timer":
      return translateTimer(unit, context).data;
    case "path":
      return translatePath(unit, context).data;
    default:
      throw new Error(`${name} starts nothing`);
  }
}

export function unitDefinition(
  data: AnyUnitData,
  options: Partial<ServiceDefinition> = {},
): ServiceDefinition {
  return {
    ...definition(serviceNameOf(data.unit), options),
    start: carrying(data) as Constructor,
    stop: carrying({ kind: "unit" } as const),
  };
}

/** Where units have what is known of them while they run: below a directory of the test. */
export function placesIn(context: Pick<TestContext, "after">): Pick<SystemParts, "unitPlaces"> {
  const own = mkdtempSync(join(tmpdir(), "shepherd-units-"));
  context.after(() => rmSync(own, { recursive: true, force: true }));
  return { unitPlaces: { ...placesOf({ environment: [], markPrefix: "test" }), own } };
}

/** A service that is a unit's, with both its names; it runs once it was started. */
export function triggered(unit: string, options: Partial<ServiceDefinition> = {}): ServiceDefinition {
  return definition([...new Set([serviceNameOf(unit), unit])].join(" "), options);
}

export async function started(
  definitions: readonly ServiceDefinition[],
  name: string,
  parts: Partial<SystemParts> = {},
  keeper: FakeKeeper = fakeKeeper(),
): Promise<TestSystem> {
  const test = testSystem(definitions, keeper, undefined, parts);
  assert.equal(await test.system.supervisor.start(name, [], client()), true, test.lines.join("\n"));
  await settle();
  return test;
}

/** The daemon dies, and this is the next one, which knows from the notes what no module defines. */
export async function next(
  { keeper }: TestSystem,
  definitions: readonly ServiceDefinition[],
  parts: Partial<SystemParts> = {},
): Promise<TestSystem> {
  const register = (system: System): void => system.registerNoted("which is lost");
  const test = testSystem(definitions, keeper.successor(), register, parts);
  await settle();
  return test;
}

export async function stop({ system }: TestSystem, name: string): Promise<void> {
  await system.supervisor.stop(name, [], client());
  await settle();
}

/** The data of the service's start, where it is a unit. */
export function startOf({ start }: ServiceDefinition): AnyUnitData {
  return start[builtin] as AnyUnitData;
}
