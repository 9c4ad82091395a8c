// What listens, as the protocol has it.

import type {
  SocketAddress,
  SystemLogValue as SystemLogWireValue,
  Endpoint as WireEndpoint,
  SocketsValue as WireValue,
} from "../../protocol/running-value.js";
import type { SocketsValue } from "../constructors/sockets.js";
import type { SystemLogValue } from "../constructors/system-log.js";
import type { Endpoint, EndpointAddress } from "../definition/types.js";
import { addressBits } from "../inet-address.js";

/** The kernel's numbers. */
const styles = { stream: 1, datagram: 2, seqpacket: 5 } as const;

/** The numbers of the sockets' descriptors stay unsaid: they are the keeper's own. */
export function socketsWireValue({ type, endpoints, command }: SocketsValue): WireValue {
  return {
    type,
    endpoints: endpoints.map(wireEndpoint),
    sockets: [],
    ...(command === undefined ? {} : { command }),
  };
}

export function systemLogWireValue({ endpoints, kernelLogFile }: SystemLogValue): SystemLogWireValue {
  return {
    type: "system-log",
    endpoints: endpoints.map(wireEndpoint),
    sockets: [],
    ...(kernelLogFile === null ? {} : { kernelLogFile }),
  };
}

/** Owners are numbers once a socket is made; one that was not named is the supervisor's own. */
function wireEndpoint(endpoint: Endpoint): WireEndpoint {
  const { socketOwner: owner, socketGroup: group } = endpoint;
  return {
    name: endpoint.name,
    address: wireAddress(endpoint.address),
    style: styles[endpoint.style],
    backlog: endpoint.backlog,
    owner: typeof owner === "number" ? owner : (process.getuid?.() ?? 0),
    group: typeof group === "number" ? group : (process.getgid?.() ?? 0),
    permissions: endpoint.socketDirectoryPermissions,
    bindAttempts: endpoint.bindAttempts,
  };
}

function wireAddress(address: EndpointAddress): SocketAddress {
  if (address.family === "unix") return address;
  const { family, host, port } = address;
  return { family, address: addressBits(host), port };
}
