// What all services use of the machine at present: the answer of our daemon's action `usage` of root, for `herd top`.

import { decodeResources, encodeResources, type Resources } from "./resources.js";
import { isList, mapList, record, recordFields, type Sexp, sym, symbolName } from "./sexp.js";

export interface Usage {
  /** Where the process numbers hold that the daemon tells; absent: it does not know. */
  readonly pidNamespace?: string;
  /** By name; those without an entry have no cgroup. */
  readonly services: ReadonlyMap<string, Resources>;
}

/** The action's name. */
export const usageAction = "usage";

export function encodeUsage({ pidNamespace, services }: Usage): Sexp {
  return record("usage", [
    ["pid-namespace", pidNamespace ?? false],
    ["services", [...services].map(([name, resources]) => [sym(name), encodeResources(resources)])],
  ]);
}

/** Undefined for what is no answer of this form. */
export function decodeUsage(result: Sexp): Usage | undefined {
  const fields = recordFields(isList(result) ? result[0] : undefined, "usage");
  const services = mapList(fields?.get("services"), decodeEntry);
  if (services === undefined) return undefined;
  const place = fields?.get("pid-namespace");
  return { services: new Map(services), ...(typeof place === "string" ? { pidNamespace: place } : {}) };
}

function decodeEntry(value: Sexp): readonly [string, Resources] | undefined {
  const [name, list] = isList(value) ? value : [];
  const service = symbolName(name);
  const resources = decodeResources(list);
  return service === undefined || resources === undefined ? undefined : [service, resources];
}
