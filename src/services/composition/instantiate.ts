// Services that nobody listed but something extends, where their type has a default value.

import { MissingTargetServiceError } from "./errors.js";
import { defaultInstance, type Service } from "./service-type.js";

/**
 * The list with an instance of every type that its services extend and that it lacks, put before the others; each such
 * type must have a default value. New instances may extend further types, which are looked for as well. It is the same list
 * where nothing is missing.
 *
 * @throws MissingTargetServiceError where a type that is missing has no default value
 */
export function instantiateMissingServices(services: readonly Service[]): readonly Service[] {
  const present = new Set(services.map(({ kind }) => kind));
  let complete = services;
  for (let fresh = services; fresh.length > 0; ) {
    const added: Service[] = [];
    for (const extender of fresh) {
      for (const { target } of extender.kind.extensions) {
        if (present.has(target)) continue;
        const instance = defaultInstance(target);
        if (instance === undefined) throw new MissingTargetServiceError(extender, target);
        present.add(target);
        added.unshift(instance);
      }
    }
    if (added.length > 0) complete = [...added, ...complete];
    fresh = added;
  }
  return complete;
}
