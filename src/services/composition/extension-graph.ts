// A picture of which service extends which: `shepherd system extension-graph`.

import { onlyTarget, serviceBackEdges } from "./back-edges.js";
import { dotGraph } from "./dot.js";
import type { AnyServiceType, Service } from "./service-type.js";
import { reachable } from "./walk.js";

const longestValue = 60;

/**
 * The services of a list that reach the one of type `root`, in the language of Graphviz. An edge leads from a service to
 * what it extends.
 *
 * @throws MissingTargetServiceError, AmbiguousTargetServiceError as `foldServices`
 */
export function extensionGraph(services: readonly Service[], root: AnyServiceType): string {
  const dependents = serviceBackEdges(services);
  const candidates = services.filter(({ kind }) => kind === root);
  const reached = [...reachable([onlyTarget(candidates, root, undefined)], dependents)];
  // Names of types are not unique, and neither are values.
  const ids = new Map(reached.map((service, index) => [service, String(index + 1)]));
  const idOf = (service: Service): string => ids.get(service) ?? "";
  return dotGraph(
    "Guix service",
    reached.map((service) => ({ id: idOf(service), label: labelOf(service) })),
    reached.flatMap((service) =>
      dependents(service).map((extender) => ({ from: idOf(extender), to: idOf(service) })),
    ),
  );
}

/** The name of its type and, where it is short, its value. */
function labelOf({ kind, value }: Service): string {
  const isShown = typeof value === "number" || typeof value === "string";
  return isShown ? `${kind.name} ${String(value).slice(0, longestValue)}` : kind.name;
}
