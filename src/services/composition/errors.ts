// What can be wrong with how services are put together. Each message names the services or types, and the places in the
// user's file where they were made, as far as these are known: what we made ourselves has none.

import { formatPosition, userPosition } from "../../daemon/definition/call-site.js";
import { DefinitionError } from "../../daemon/definition/check.js";
import type { SourcePosition } from "../../daemon/definition/types.js";
import type { AnyServiceType, Service } from "./service-type.js";

/** A service is of a type that has no default value, and brings none. */
export class MissingValueError extends DefinitionError {
  readonly type: AnyServiceType;
  constructor(type: AnyServiceType, position: SourcePosition | undefined) {
    super(messageAt(position, `no value specified for service of type '${type.name}'`));
    this.type = type;
  }
}

/** A list of services has none of a type that something extends, or that is to be its root. */
export class MissingTargetServiceError extends DefinitionError {
  /** The service that extends it; undefined where the type was to be the root. */
  readonly service: Service | undefined;
  readonly targetType: AnyServiceType;
  constructor(service: Service | undefined, targetType: AnyServiceType) {
    super(
      service === undefined
        ? `service of type '${targetType.name}' not found`
        : messageAt(
            positionOf(service),
            `no target of type '${targetType.name}' for service '${service.kind.name}'`,
          ),
    );
    this.service = service;
    this.targetType = targetType;
  }
}

/** A list of services has several of a type that something extends, or that is to be its root. */
export class AmbiguousTargetServiceError extends DefinitionError {
  /** The service that extends it; undefined where the type was to be the root. */
  readonly service: Service | undefined;
  readonly targetType: AnyServiceType;
  readonly candidates: readonly Service[];
  constructor(service: Service | undefined, targetType: AnyServiceType, candidates: readonly Service[]) {
    const extender = service === undefined ? "" : `, which service '${service.kind.name}' extends`;
    const places = placesAfter(": made at ", candidates.map(positionOf));
    super(
      messageAt(
        service && positionOf(service),
        `more than one target service of type '${targetType.name}'${extender}${places}`,
      ),
    );
    this.service = service;
    this.targetType = targetType;
    this.candidates = candidates;
  }
}

/** Service types extend each other in a circle, so that none of them can be folded first. */
export class ServiceTypeCycleError extends DefinitionError {
  /** Each extends the one that follows, and the last the first. */
  readonly types: readonly AnyServiceType[];
  constructor(types: readonly AnyServiceType[]) {
    const path = [...types, ...types.slice(0, 1)].map(({ name }) => name).join(" -> ");
    const [first, ...others] = types.map(({ position }) => position);
    super(
      messageAt(
        first,
        `service types extend each other in a circle: ${path}${placesAfter("; see also ", others)}`,
      ),
    );
    this.types = types;
  }
}

/** A clause of `modifyServices` names a type of which the list has no service, or none any more. */
export class ModifyServicesError extends DefinitionError {
  readonly type: AnyServiceType;
  constructor(type: AnyServiceType, position: SourcePosition | undefined, text: string) {
    super(messageAt(position, `modify-services: service '${type.name}' ${text}`));
    this.type = type;
  }
}

/** `text` after the place in the user's file; alone where that is not known. */
export function messageAt(position: SourcePosition | undefined, text: string): string {
  return position === undefined ? text : `${placeOf(position)}: ${text}`;
}

/** A place in the user's file, `FILE:LINE:COLUMN`. */
export const placeOf = (position: SourcePosition): string => formatPosition(userPosition(position));

/** Those of the places that are known, after `introduction`; empty where none is. */
export function placesAfter(
  introduction: string,
  positions: readonly (SourcePosition | undefined)[],
): string {
  const places = positions.flatMap((position) => (position === undefined ? [] : [placeOf(position)]));
  return places.length === 0 ? "" : `${introduction}${places.join(", ")}`;
}

/** Of a service that was made because something extends it only its type has a place. */
const positionOf = ({ position, kind }: Service): SourcePosition | undefined => position ?? kind.position;
