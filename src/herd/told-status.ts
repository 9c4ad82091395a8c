// What a shepherd that was asked about a service, in passing, has told of it.

import type { Reply } from "../protocol/messages.js";
import { decodeOnlyService, type ServiceStatus } from "../protocol/service-status.js";

/** Undefined where there is no answer, or no such service, or it is root, whose status is that of all. */
export function toldStatus(reply: Reply | undefined): ServiceStatus | undefined {
  if (reply === undefined || reply.error !== undefined) return undefined;
  try {
    return decodeOnlyService(reply.result);
  } catch {
    return undefined; // A list of services is no service.
  }
}
