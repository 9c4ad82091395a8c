// What the tests look at of systems and services.

import assert from "node:assert/strict";
import { builtin, type ForkexecData } from "../../src/daemon/definition/types.js";
import {
  type ActivationSnippet,
  activationServiceType,
  foldServices,
  operatingSystem,
  operatingSystemServices,
  operatingSystemShepherdServices,
  type Service,
  type ServiceType,
  type ShepherdService,
  systemTree,
  type Tree,
} from "../../src/services/system.js";

/** The final value of the one service of `type` in a system with these services, besides the essential ones. */
export function valueIn<Value>(services: readonly Service[], type: ServiceType<Value>): Value {
  return foldServices<Value>(operatingSystemServices(operatingSystem({ services })), { targetType: type })
    .value;
}

/** The service that a system with these services manages by that name. */
export function shepherdServiceIn(services: readonly Service[], name: string): ShepherdService {
  const all = operatingSystemShepherdServices(operatingSystem({ services }));
  return serviceNamed(all, name);
}

export function serviceNamed(services: readonly ShepherdService[], name: string): ShepherdService {
  const found = services.find(({ provision }) => provision.includes(name));
  if (found === undefined) assert.fail(`no service ${name} among ${services.map((one) => one.provision[0])}`);
  return found;
}

/** What a service runs that was made by `makeForkexecConstructor`. */
export function programOf(service: ShepherdService): ForkexecData {
  const data = service.start[builtin];
  if (data?.kind !== "forkexec") assert.fail(`service ${service.provision[0]} runs no program by forkexec`);
  return data;
}

/** The system directory of a system with these services. */
export const treeOf = (services: readonly Service[], source?: string): Tree =>
  systemTree(operatingSystem({ services }), source === undefined ? {} : { source });

/** The text of a file in a system directory, or where its link leads to. */
export function contentsOf(tree: Tree, path: string): string | undefined {
  const entry = tree.get(path);
  if (entry?.kind === "symlink") return `→ ${entry.target}`;
  return entry?.kind === "file" ? Buffer.from(entry.contents as Uint8Array).toString() : undefined;
}

/** What a system with these services does at activation, under that name. */
export function snippetNamed(services: readonly Service[], name: string): ActivationSnippet {
  const found = valueIn(services, activationServiceType).find((one) => one.name === name);
  assert.ok(found !== undefined, `an activation snippet ${name}`);
  return found;
}
