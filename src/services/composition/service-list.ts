// Lists of services, as configurations give them.

import { type Check, DefinitionError, show } from "../../daemon/definition/check.js";
import { listOf } from "../../daemon/definition/fields.js";
import type { SourcePosition } from "../../daemon/definition/types.js";
import { messageAt } from "./errors.js";
import { isService, isServiceType, type Service } from "./service-type.js";

const services = listOf<Service>("a list of services made by service(…) or simpleService(…)", isService);

/** A check for fields and parameters that hold a list of services. */
export const serviceList: Check<readonly Service[]> = {
  ...services,
  describe(value) {
    const type = Array.isArray(value) ? (value as unknown[]).find(isServiceType) : undefined;
    // Easily forgotten, and shown it would be a page of functions.
    return type === undefined
      ? (services.describe?.(value) ?? show(value))
      : `the service type ${show(type.name)}, of which service(…) makes a service`;
  },
};

/**
 * Gives `value`, the field `services` of a configuration, if it is a list of services; `validate-service-list` of Guix.
 *
 * @param position of the configuration, in the compiled module
 * @throws DefinitionError that says what it is instead
 */
export function validateServiceList(value: unknown, position?: SourcePosition): readonly Service[] {
  if (serviceList.matches(value)) return value;
  const got = serviceList.describe?.(value) ?? show(value);
  throw new DefinitionError(
    messageAt(position, `'services' field must contain a list of services, got ${got}`),
  );
}
