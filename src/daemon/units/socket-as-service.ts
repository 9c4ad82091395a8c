// A socket unit as if it were a service: it has the same settings of how commands are run.

import type { ServiceSettings } from "../../../systemd-compat/directives.js";
import { decode, type Encoded, encode } from "./encoded.js";
import type { UnitData, UnitSocketData } from "./types.js";

/** systemd's default, in seconds. */
export const usualTimeout = 90;

const services = new WeakMap<UnitSocketData, UnitData>();

/** The same object for each call. */
export function asService(data: UnitSocketData): UnitData {
  const known = services.get(data);
  if (known !== undefined) return known;
  const { kind: _kind, socket, service: _service, template: _template, ...head } = data;
  const { TimeoutSec: timeout = usualTimeout, ...settings } = decode(socket);
  const service = {
    ...settings,
    Type: "oneshot",
    TimeoutStartSec: timeout,
    TimeoutStopSec: timeout,
  } as unknown as ServiceSettings;
  const made: UnitData = {
    ...head,
    kind: "unit",
    service: encode(service) as Encoded<ServiceSettings>,
    sockets: [],
  };
  services.set(data, made);
  return made;
}
