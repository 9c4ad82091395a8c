// The sockets that the processes of a service unit get: those of its socket units that are open.

import { serviceNameOf } from "../../../systemd-compat/translate/service-names.js";
import type { Host } from "../constructors/host.js";
import { builtin } from "../definition/types.js";
import type { Name } from "../keeper/types.js";
import { descriptorName, listenerNames } from "./socket-listeners.js";

/** For `listen` of a SpawnSpec, in the order of the units and of their settings. */
export function openSocketsOf(
  host: Pick<Host, "states" | "sockets">,
  units: readonly string[],
): readonly { readonly name: Name; readonly as: string }[] {
  return units.flatMap((unit) => {
    const found = host.states.of(serviceNameOf(unit));
    const data = found?.definition.start[builtin];
    if (found === undefined || data?.kind !== "unit-socket") return [];
    const as = descriptorName(data);
    return listenerNames(found.name, data)
      .filter((name) => host.sockets.has(found.name, name))
      .map((name) => ({ name, as }));
  });
}
