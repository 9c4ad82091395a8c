// `shepherdServiceType`: types whose services are one service of the supervisor each.

import type { Check } from "../../daemon/definition/check.js";
import {
  type DefaultedServiceType,
  type ServiceType,
  serviceExtension,
  serviceType,
} from "../composition/service-type.js";
import { shepherdRootServiceType } from "../essential/shepherd-root.js";
import type { ShepherdService } from "./service.js";

export interface ShepherdServiceTypeOptions<Value> {
  /** The value of instances that bring none. */
  readonly defaultValue?: Value;
  /** What the service is good for, in a few sentences. */
  readonly description: string;
  /** What every value must be, such as `clockConfiguration.check`; default: no check. */
  readonly valueCheck?: Check<Value>;
}

/**
 * Makes a type of services that only extend the root of the supervisor, each with the one service that `make` gives for its
 * value.
 *
 * @example
 * const clockServiceType = shepherdServiceType("clock", (zone: string) => clockService(zone), {
 *   defaultValue: "UTC",
 *   description: "Say the time.",
 * });
 * @throws DefinitionError where something is missing, unknown or wrong
 */
export function shepherdServiceType<Value>(
  name: string,
  make: (value: Value) => ShepherdService,
  options: ShepherdServiceTypeOptions<Value> & { readonly defaultValue: Value },
): DefaultedServiceType<Value>;
export function shepherdServiceType<Value>(
  name: string,
  make: (value: Value) => ShepherdService,
  options: ShepherdServiceTypeOptions<Value>,
): ServiceType<Value>;
export function shepherdServiceType<Value>(
  name: string,
  make: (value: Value) => ShepherdService,
  options: ShepherdServiceTypeOptions<Value>,
): ServiceType<Value> {
  return serviceType<Value>({
    ...options,
    name,
    extensions: [serviceExtension(shepherdRootServiceType, (value: Value) => [make(value)])],
  });
}
