// The service that a timer, path or socket unit starts.

import { serviceNameOf } from "../../../systemd-compat/translate/service-names.js";
import { type Host, StartFailure } from "../constructors/host.js";
import { errorText } from "../error-text.js";

/** The name of the service that the unit `starts` is. Throws a StartFailure where there is none. */
export function triggeredService(host: Host, starts: string): string {
  const service = serviceNameOf(starts);
  if (host.states.of(service) === undefined)
    throw new StartFailure(`there is no service ${service}, which it would start`);
  return service;
}

/** Starts it; `over` follows, whether or not that came to anything. `who` is such as `timer NAME`. */
export function startTriggered(host: Host, service: string, who: string, over: () => void): void {
  host.offspring
    .startAll([service])
    .catch((error: unknown) => host.report(`${who}: ${errorText(error)}`))
    .finally(over)
    .catch((error: unknown) => host.report(errorText(error)));
}
