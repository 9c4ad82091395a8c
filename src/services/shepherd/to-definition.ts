// From the services of a composed system to what the daemon runs.

import { fail, show } from "../../daemon/definition/check.js";
import { service as defineService, isDefinition } from "../../daemon/definition/service.js";
import type { ServiceDefinition } from "../../daemon/definition/types.js";
import { canonicalName, checkProvision, originOf, type ShepherdService } from "./service.js";

/**
 * The definition that the daemon runs for a service. A free form that is a function is called now, which may need the
 * supervisor.
 *
 * @throws DefinitionError where a free form gives no definition, or one of another service
 */
export function toDefinition(service: ShepherdService): ServiceDefinition {
  const { position, options, definition } = originOf(service);
  const { freeForm, provision } = service;
  if (freeForm === undefined) return definition;
  const form: unknown = typeof freeForm === "function" ? freeForm() : freeForm;
  const of = { what: `service ${show(canonicalName(service))}`, position };
  if (!isDefinition(form))
    fail(
      of,
      `field "freeForm": expected a function that gives a service as shepherd-ts defines them, and it gave ${show(form)}`,
    );
  checkProvision(of, provision, form);
  const { provision: _names, position: _place, singleStart: _once, ...own } = form;
  return defineService(provision, { ...own, ...options });
}
