// Which services name which others, and how: kept up to date, so that nobody has to look through all of them for it.

import { type RelationKind, relationKinds } from "../definition/relations.js";
import type { ServiceDefinition } from "../definition/types.js";

export type Reference = "requirement" | RelationKind;

const references: readonly Reference[] = ["requirement", ...relationKinds];

/** By a kind of reference, then by a name: who names it so, in the order of registration. */
export class References<T> {
  readonly #by = new Map<Reference, Map<string, Set<T>>>(references.map((kind) => [kind, new Map()]));

  add(of: T, definition: ServiceDefinition): void {
    for (const kind of references) {
      const by = this.#of(kind);
      for (const name of namesIn(definition, kind)) {
        const holders = by.get(name);
        if (holders === undefined) by.set(name, new Set([of]));
        else holders.add(of);
      }
    }
  }

  /** @param definition what it was added with */
  remove(of: T, definition: ServiceDefinition): void {
    for (const kind of references) {
      const by = this.#of(kind);
      for (const name of namesIn(definition, kind)) {
        const holders = by.get(name);
        holders?.delete(of);
        if (holders?.size === 0) by.delete(name);
      }
    }
  }

  /** Whether anybody names anybody so: a stop of everything asks of each service. */
  has(kind: Reference): boolean {
    return this.#of(kind).size > 0;
  }

  /** Whoever names one of `names` so, each once. */
  to(names: readonly string[], kind: Reference): Iterable<T> {
    const by = this.#of(kind);
    const found = names.flatMap((name) => by.get(name) ?? []);
    const [only, ...more] = found;
    if (only === undefined) return [];
    return more.length === 0 ? only : new Set(found.flatMap((holders) => [...holders]));
  }

  #of(kind: Reference): Map<string, Set<T>> {
    const by = this.#by.get(kind);
    if (by === undefined) throw new Error(`no such kind of reference: ${kind}`);
    return by;
  }
}

/** The names that a definition refers to so. */
export function namesIn(definition: ServiceDefinition, kind: Reference): readonly string[] {
  return kind === "requirement" ? definition.requirement : (definition.relations?.[kind] ?? []);
}
