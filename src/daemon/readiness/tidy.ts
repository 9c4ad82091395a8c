// The keeper's names of what services are told by and keep; and what an earlier daemon has left of that to nobody.

import { resumeConsoles } from "../console/console.js";
import type { Host } from "../constructors/host.js";
import type { ServiceState } from "../controller/state.js";
import { errorText } from "../error-text.js";
import type { Inventory, Name } from "../keeper/types.js";
import { isFile } from "./address.js";
import { endProbes } from "./probe.js";

const socketPrefix = "notify/";
export const storePrefix = "fdstore/";

export function notifySocket(service: string): Name {
  return `${socketPrefix}${service}`;
}

/** The service whose notify socket it is. */
export function serviceOfSocket(socket: Name): string {
  return socket.slice(socketPrefix.length);
}

interface Owners {
  /** The state of the service with that canonical name. */
  find(service: string): ServiceState | undefined;
  /** Whether it is not there yet, but noted: its module could not be read. */
  isNoted(service: string): boolean;
}

/** Closes sockets and descriptors, and ends probes and consoles, that no service has. */
export function tidyUp(host: Host, { descriptors, children }: Inventory, owners: Owners): void {
  const isOwned = (name: Name): boolean => {
    if (name.startsWith(socketPrefix)) {
      const service = serviceOfSocket(name);
      return owners.isNoted(service) || owners.find(service)?.notifySocket !== undefined;
    }
    if (!name.startsWith(storePrefix)) return true;
    const service = name.slice(storePrefix.length, name.lastIndexOf("/"));
    return owners.isNoted(service) || owners.find(service)?.stored.some(({ key }) => key === name) === true;
  };
  for (const { name, path } of descriptors) {
    if (isOwned(name)) continue;
    const unlink = name.startsWith(socketPrefix) && path !== undefined && isFile(path);
    host.outbox.tell(host.report, { op: "close", name, ...(unlink ? { unlink } : {}) });
  }
  resumeConsoles(host, children, (name) => owners.isNoted(name) || owners.find(name) !== undefined);
  endProbes(host, children).catch((error: unknown) => host.report(errorText(error)));
}
