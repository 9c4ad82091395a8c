// The system directory: all that it takes to activate a system and to run it, made of nothing but its configuration. The
// same configuration gives the same bytes.

import { foldServices } from "./composition/fold.js";
import { type Service, service } from "./composition/service-type.js";
import { provenanceServiceType } from "./essential/provenance.js";
import { type SystemEntry, systemServiceType } from "./essential/system.js";
import { treeOfEntries } from "./files/entries.js";
import { plainFile } from "./files/file-like.js";
import { localFileTable, tableStatement } from "./files/local-source.js";
import { file, type Tree, unionOf } from "./files/tree.js";
import { checkOperatingSystem, type OperatingSystem, operatingSystemServices } from "./operating-system.js";
import { canonicalName, type ShepherdService } from "./shepherd/service.js";
import { shepherdServicesOf } from "./system-configuration.js";

/** A configuration, compiled to one module. */
export interface CompiledModule {
  readonly code: string;
  /** Its source map. */
  readonly map: string;
}

export interface SystemTreeOptions {
  /** The compiled configuration, which the supervisor evaluates. */
  readonly module?: CompiledModule | undefined;
  /** The text of the configuration, for the system's provenance. */
  readonly source?: string | undefined;
}

/** Who may read what can hold secrets. */
const ownersOnly = 0o600;

/**
 * The system directory as a tree. Nothing is read or written.
 *
 * @throws DefinitionError where services cannot be composed, or cannot be run together; where two things in the system have
 * one name
 */
export function systemTree(system: OperatingSystem, options: SystemTreeOptions = {}): Tree {
  checkOperatingSystem({ what: "systemTree" }, system);
  const services = withProvenance(operatingSystemServices(system), options.source);
  const { value: entries } = foldServices<readonly SystemEntry[]>(services, {
    targetType: systemServiceType,
  });
  return unionOf("system directory", [
    treeOfEntries("system directory", entries),
    new Map([["shepherd/services.json", file(graphOf(shepherdServicesOf(services)))]]),
    ...(options.module === undefined ? [] : [moduleTree(options.module)]),
  ]);
}

function withProvenance(services: readonly Service[], source: string | undefined): readonly Service[] {
  const isThere = services.some(({ kind }) => kind === provenanceServiceType);
  if (source === undefined || isThere) return services;
  return [
    service(provenanceServiceType, plainFile("configuration.ts", source, { mode: ownersOnly })),
    ...services,
  ];
}

/** The module begins with the table of local files: where it is evaluated those need not be there. */
function moduleTree({ code, map }: CompiledModule): Tree {
  const table = localFileTable();
  const hasTable = Object.keys(table).length > 0;
  return new Map([
    ["shepherd/configuration.mjs", file(hasTable ? `${tableStatement(table)}${code}` : code, ownersOnly)],
    ["shepherd/configuration.mjs.map", file(hasTable ? oneLineDown(map) : map, ownersOnly)],
  ]);
}

/** The same source map, for a module with one more line at its beginning. */
function oneLineDown(map: string): string {
  const parsed = JSON.parse(map) as { readonly mappings: string };
  return JSON.stringify({ ...parsed, mappings: `;${parsed.mappings}` });
}

/** The graph of services as data, without what they run: that can hold secrets. */
function graphOf(services: readonly ShepherdService[]): string {
  const data = services.map((one) => ({
    name: canonicalName(one),
    provision: one.provision,
    requirement: one.requirement,
    oneShot: one.oneShot,
    respawn: one.respawn,
    autoStart: one.autoStart,
    documentation: one.documentation,
    actions: one.actions.map(({ name }) => name),
  }));
  return `${JSON.stringify({ version: 1, services: data }, undefined, 2)}\n`;
}
