// What the tests of the translation share: trees of units as services.

import type { TestContext } from "node:test";
import { collectDuring } from "../../../src/daemon/definition/runtime.js";
import { builtin, type ServiceDefinition } from "../../../src/daemon/definition/types.js";
import { unitOf } from "../../../src/daemon/units/of-definition.js";
import type { AnyUnitData } from "../../../src/daemon/units/types.js";
import { type SystemdUnitsOptions, systemdUnits } from "../../../systemd-compat/index.js";
import { makeTree, type Tree } from "../trees.js";

export const lib = "usr/lib/systemd/system";
export const etc = "etc/systemd/system";

/** A service with these lines in [Unit] and a command. */
export function service(lines = "", more = ""): string {
  return `[Unit]\n${lines}\n[Service]\nExecStart=/usr/bin/true\n${more}\n`;
}

export interface Units {
  readonly services: readonly ServiceDefinition[];
  readonly names: readonly string[];
  readonly toStart: readonly string[];
  readonly notices: readonly string[];
  get(name: string): ServiceDefinition;
  data(name: string): AnyUnitData;
}

/** As a configuration that is loaded has them. */
export async function unitsOf(
  context: Pick<TestContext, "after">,
  tree: Tree,
  ...calls: readonly Omit<SystemdUnitsOptions, "root">[]
): Promise<Units> {
  const root = makeTree(context, tree);
  const { result, notices, toStart } = await collectDuring(async () => {
    const lists = await Promise.all(calls.map((options) => systemdUnits({ ...options, root })));
    return [...new Set(lists.flat())];
  });
  const get = (name: string): ServiceDefinition => {
    const found = result.find(({ provision }) => provision.includes(name));
    if (found === undefined)
      throw new Error(`no service ${name} among ${result.map(({ provision }) => provision[0])}`);
    return found;
  };
  return {
    services: result,
    names: result.map(({ provision: [name] }) => name).sort(),
    toStart,
    notices,
    get,
    data(name) {
      const data = unitOf(get(name));
      if (data === undefined)
        throw new Error(`${name} is no unit: ${String(get(name).start[builtin]?.kind)}`);
      return data;
    },
  };
}
