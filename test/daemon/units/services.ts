// Service units from text over a fake keeper: programs are played by what their names say.

import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { carrying } from "../../../src/daemon/definition/as-data.js";
import type { ServiceDefinition } from "../../../src/daemon/definition/types.js";
import type { SystemParts } from "../../../src/daemon/system.js";
import { unitActions } from "../../../src/daemon/units/actions.js";
import { isOneShot } from "../../../src/daemon/units/defaults.js";
import { encode } from "../../../src/daemon/units/encoded.js";
import type { Places } from "../../../src/daemon/units/execution/places.js";
import type { UnitData } from "../../../src/daemon/units/types.js";
import type { FakeChild, FakeKeeper, FakeKeeperOptions } from "../../support/fake-keeper.js";
import { definition } from "../../support/system.js";
import { serviceOf } from "../../systemd-compat/fixtures.js";

/** A unit of this name with these lines in its section [Service]. */
export function unitData(name: string, lines: string, more: Partial<UnitData> = {}): UnitData {
  const { service } = serviceOf(lines, `${name}.service`);
  return {
    kind: "unit",
    unit: `${name}.service`,
    files: [`/etc/systemd/system/${name}.service`],
    conditions: [],
    asserts: [],
    notApplied: [],
    strict: false,
    sockets: [],
    ...more,
    service: encode(service),
  };
}

/** The service that a unit becomes; respawned at once, and as often as it likes. */
export function unit(
  name: string,
  lines: string,
  options: Partial<ServiceDefinition> = {},
  more: Partial<UnitData> = {},
): ServiceDefinition {
  const data = unitData(name, lines, more);
  const { service } = serviceOf(lines, `${name}.service`);
  return definition(name, {
    start: carrying(data),
    stop: carrying({ kind: "unit" } as const),
    oneShot: isOneShot(service),
    respawnLimit: false,
    respawnDelay: 0,
    actions: unitActions(name, data),
    ...options,
  });
}

/** Directories of the test's own in place of the system's. */
export function unitParts(context: TestContext): Partial<SystemParts> {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-units-"));
  context.after(() => rmSync(directory, { recursive: true, force: true }));
  const at = (name: string): string => join(directory, name);
  for (const name of ["run", "etc", "tmp", "var/lib", "var/cache", "var/log", "var/tmp"])
    mkdirSync(at(name), { recursive: true });
  const unitPlaces: Places = {
    runtime: at("run"),
    state: at("var/lib"),
    cache: at("var/cache"),
    logs: at("var/log"),
    configuration: at("etc"),
    temporary: at("tmp"),
    persistentTemporary: at("var/tmp"),
    own: at("run/shepherd/units/test"),
    locale: [at("etc/locale.conf")],
    passwd: "/etc/passwd",
    group: "/etc/group",
  };
  return { unitPlaces };
}

/** The name of a child's program: `/bin/true` is `true`. */
export function programOf({ spec }: FakeChild): string {
  return nameOf(spec?.program ?? spec?.arguments[0] ?? "");
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/**
 * Programs whose names begin with `ok` exit with 0, with `failN` exit with N, with `dieN` die of that signal, with `none`
 * cannot be executed; all others stay.
 */
export const players: FakeKeeperOptions = {
  onSpawn: (child, keeper) => {
    const [, how = "", number = "1"] = /^(ok|fail|die|none)(\d*)/.exec(programOf(child)) ?? [];
    if (how === "none") {
      keeper.end(child.id, { failure: { stage: "exec", errno: 2, text: `/bin/${programOf(child)}` } });
      return;
    }
    keeper.started(child.id);
    if (how === "ok") keeper.end(child.id, { code: 0 });
    if (how === "fail") keeper.end(child.id, { code: Number(number || 1) });
    if (how === "die") keeper.end(child.id, { signal: Number(number || 9) });
  },
};

/** The programs that were spawned, in order, with what `variables` of theirs there were. */
export function spawned({ requests }: FakeKeeper, ...variables: readonly string[]): readonly string[] {
  return requests.flatMap((request) => {
    if (request.op !== "spawn") return [];
    const { spec } = request;
    const told = variables.flatMap((name) =>
      (spec.environment ?? []).filter((variable) => variable.startsWith(`${name}=`)),
    );
    return [[nameOf(spec.program ?? spec.arguments[0]), ...told].join(" ")];
  });
}
