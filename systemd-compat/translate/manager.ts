// The service `systemd`: what `systemctl` does with the manager itself, as actions.

import { runtime, type UnitOperations } from "../../src/daemon/definition/runtime.js";
import { service, shepherdAction } from "../../src/daemon/definition/service.js";
import type { ActionDefinition, ServiceDefinition } from "../../src/daemon/definition/types.js";
import { mangleName } from "../names.js";
import { reservedNames } from "./service-names.js";
import { openSession } from "./session.js";
import { type Translation, translateUnits } from "./translate.js";

/** How units are read on demand: as those of the configuration are. */
export interface ManagerOptions {
  readonly root: string;
  readonly strict: boolean;
}

export function managerService(options: ManagerOptions): ServiceDefinition {
  return service(["systemd"], {
    documentation: "Load systemd units on demand, and read their files anew.",
    // A start that does nothing can be done again: without it nobody could load a unit after a crash of the supervisor.
    retryable: true,
    actions: [loadAction(options), reloadAction(options), listAction],
  });
}

function operations(): UnitOperations {
  const { units } = runtime();
  if (units === undefined) throw new Error("there is no supervisor here");
  return units;
}

function loadAction(options: ManagerOptions): ActionDefinition {
  return shepherdAction({
    name: "load",
    documentation:
      "Load the UNITs, of whose names '.service' may be left out, with all that comes along with them, and start none.\n" +
      "One that is loaded already stays as it is.",
    procedure: async (_value: unknown, ...names: string[]) => {
      if (names.length === 0) throw new Error("load: the name of a unit is missing");
      const asked = names.map(fullName);
      const translation = await translated(asked, options, new Set());
      for (const line of translation.notices) console.log(line);
      const { definitions, missing } = translation;
      // Nobody is served by a service that only says that there is no such unit.
      if (missing.length < asked.length) runtime().registerServices([...definitions.values()]);
      if (missing.length > 0) throw new Error(missing.map((name) => `Unit ${name} not found.`).join(" "));
      return [...translation.asked];
    },
  });
}

function fullName(name: string): string {
  const full = mangleName(name);
  if (full === undefined) throw new Error(`expected the name of a unit, got ${JSON.stringify(name)}`);
  return full;
}

/** @param anew units that are not to be taken for known */
async function translated(
  asked: readonly string[],
  { root, strict }: ManagerOptions,
  anew: ReadonlySet<string>,
): Promise<Translation> {
  const { loader } = await openSession(root);
  const units = operations();
  const known = new Map(
    units.list().flatMap(({ unit, provision }) => (anew.has(unit) ? [] : [[unit, provision] as const])),
  );
  const reserved = [...reservedNames, ...units.otherNames()];
  return await translateUnits(loader, { asked, boots: true, strict, known, reserved });
}

function reloadAction(options: ManagerOptions): ActionDefinition {
  return shepherdAction({
    name: "daemon-reload",
    documentation:
      "Run generators and read all units anew: a unit that changed gets its new definition when it stops, one that is new\n" +
      "is registered and not started, one that is gone runs until it stops.",
    procedure: async () => {
      const units = operations();
      for (const line of await units.reread()) console.log(line);
      const loose = units.list().filter(({ onDemand }) => onDemand);
      const names = loose.map(({ unit }) => unit);
      const { definitions, notices, missing } = await translated(names, options, new Set(names));
      const gone = loose.filter(({ unit }) => missing.includes(unit)).map(({ name }) => name);
      const there = [...definitions].filter(([unit]) => !missing.includes(unit)).map(([, one]) => one);
      for (const line of [...notices, ...units.renew(there, gone)]) console.log(line);
      return true;
    },
  });
}

const listAction = shepherdAction({
  name: "list-units",
  documentation: "List the units that are loaded, one a line: name, status, description.",
  procedure: () => {
    const units = [...operations().list()].sort((a, b) => (a.unit < b.unit ? -1 : 1));
    for (const { unit, status, description } of units) console.log(`${unit} ${status} ${description}`);
    return units.map(({ unit, name, status, description }) => [unit, name, status, description]);
  },
});
