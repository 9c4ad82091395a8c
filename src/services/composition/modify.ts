// `modifyServices`: changes to some services of a list such as `baseServices` (Guix manual, "Service Reference").

import { callSite } from "../../daemon/definition/call-site.js";
import { check, checkValue, type Subject } from "../../daemon/definition/check.js";
import { fields, listOf } from "../../daemon/definition/fields.js";
import type { SourcePosition } from "../../daemon/definition/types.js";
import { ModifyServicesError, placeOf } from "./errors.js";
import { serviceList } from "./service-list.js";
import {
  type AnyServiceType,
  isServiceType,
  type Service,
  type ServiceType,
  withValue,
} from "./service-type.js";

/** What is to become of the services of one type; made by `updateService` or `deleteService`. */
export interface ModifyClause {
  readonly type: AnyServiceType;
  /** Gives what takes a service's place; undefined: nothing does. */
  readonly apply: (service: Service) => Service | undefined;
  /** Where it was made, in the compiled module. */
  readonly position: SourcePosition | undefined;
}

const made = new WeakSet<object>();

const serviceTypeCheck = check<AnyServiceType>("a type made by serviceType(…)", isServiceType);
const clauseList = listOf<ModifyClause>(
  "a list of clauses made by updateService(…) and deleteService(…)",
  (value) => typeof value === "object" && value !== null && made.has(value),
);

/**
 * A clause that gives every service of the type the value that `update` makes of its present one.
 *
 * @example updateService(guixServiceType, (config) => guixConfiguration({ ...config, useSubstitutes: false }))
 * @throws DefinitionError where it is given no type, or no function
 */
export function updateService<Value>(
  type: ServiceType<Value>,
  update: (value: Value) => NoInfer<Value>,
): ModifyClause {
  const of = { what: "updateService", position: callSite() };
  checkValue(of, update, fields.procedure);
  return clause(of, type, (one) => withValue(one, update(one.value as Value)));
}

/**
 * A clause that leaves out every service of the type.
 *
 * @example deleteService(syslogServiceType)
 * @throws DefinitionError where it is given no type
 */
export function deleteService(type: AnyServiceType): ModifyClause {
  return clause({ what: "deleteService", position: callSite() }, type, () => undefined);
}

/**
 * The list with the clauses carried out: each is, in their order, for every service of its type, with what the clauses
 * before it have made of that. What no clause is about stays, as does the order; the given list is not changed.
 *
 * @example modifyServices(baseServices, [deleteService(syslogServiceType), updateService(torServiceType, withSocket)])
 * @throws ModifyServicesError where the list has no service of a clause's type, or where an earlier clause has deleted it
 */
export function modifyServices(
  services: readonly Service[],
  clauses: readonly ModifyClause[],
): readonly Service[] {
  const of = { what: "modifyServices", position: callSite() };
  checkValue(of, services, serviceList);
  for (const { type, position } of checkValue(of, clauses, clauseList))
    if (services.every(({ kind }) => kind !== type))
      throw new ModifyServicesError(type, position, "not found in service list");
  return services.flatMap((service) => modified(service, clauses) ?? []);
}

function modified(service: Service, clauses: readonly ModifyClause[]): Service | undefined {
  let current: Service | undefined = service;
  let deletion: ModifyClause | undefined;
  for (const clause of clauses) {
    if (clause.type !== service.kind) continue;
    if (current === undefined) throw deletedBefore(clause, deletion);
    current = clause.apply(current);
    if (current === undefined) deletion = clause;
  }
  return current;
}

function deletedBefore({ type, position }: ModifyClause, deletion: ModifyClause | undefined): Error {
  const place = deletion?.position === undefined ? "" : `: ${placeOf(deletion.position)}`;
  return new ModifyServicesError(type, position, `was deleted here${place}`);
}

function clause(of: Subject, type: AnyServiceType, apply: ModifyClause["apply"]): ModifyClause {
  checkValue(of, type, serviceTypeCheck);
  const one: ModifyClause = Object.freeze({ type, apply, position: of.position });
  made.add(one);
  return one;
}
