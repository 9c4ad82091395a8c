// Service expressions for tests of the page: as recorded ones, with what only our shepherd tells.

import type { ServiceStatus } from "../../src/protocol/service-status.js";
import type { Sexp } from "../../src/protocol/sexp.js";
import { serviceOf } from "../herd/fixtures.js";

export function statusOf(
  name: string,
  fields: Partial<Omit<ServiceStatus, "extra">> = {},
  extra: readonly (readonly [string, Sexp])[] = [],
): ServiceStatus {
  return serviceOf(name, { extra: new Map(extra), ...fields });
}
