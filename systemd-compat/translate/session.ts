// What the calls during one evaluation of a configuration share: units are looked for once, and the same unit is the same
// service in all of them.

import { type Collected, currentLoad } from "../../src/daemon/definition/runtime.js";
import type { ServiceDefinition } from "../../src/daemon/definition/types.js";
import { systemDirectories } from "../manager-directories.js";
import { RootedFiles } from "../rooted-files.js";
import { systemSearchPath } from "../search-path.js";
import { readSystemFacts } from "../system-facts.js";
import { indexUnits } from "../unit-index.js";
import { UnitLoader } from "./loader.js";

export interface Session {
  readonly root: string;
  readonly loader: UnitLoader;
  /** By the units' own names. */
  readonly definitions: Map<string, ServiceDefinition>;
  /** Calls one after the other, so that each knows what the others gave. */
  queue: Promise<unknown>;
}

const sessions = new WeakMap<Collected, Map<string, Promise<Session>>>();

/** The session of the configuration that is being evaluated; a new one elsewhere. */
export function sessionFor(root: string): Promise<Session> {
  const load = currentLoad();
  if (load === undefined) return openSession(root);
  const byRoot = sessions.get(load) ?? new Map<string, Promise<Session>>();
  sessions.set(load, byRoot);
  const session = byRoot.get(root) ?? openSession(root);
  byRoot.set(root, session);
  return session;
}

/** Reads which units there are. */
export async function openSession(root: string): Promise<Session> {
  const files = new RootedFiles(root);
  const [index, facts] = await Promise.all([indexUnits(files, systemSearchPath), readSystemFacts(root)]);
  const loader = new UnitLoader({ files, index, facts, directories: systemDirectories });
  return { root, loader, definitions: new Map(), queue: Promise.resolve() };
}
