// The settings of a socket unit that become options of its sockets, by the kernel's numbers.

import type { SocketSettings } from "../../../systemd-compat/directives.js";
import type { ListenerOption } from "../constructors/sockets.js";

/** What a listener is, as far as options go. */
export interface SocketKind {
  readonly family: "unix" | "ipv4" | "ipv6";
  readonly type: "stream" | "datagram" | "seqpacket";
}

const level = { ip: 0, socket: 1, tcp: 6, ipv6: 41 } as const;

const number = {
  broadcast: 6,
  sendBuffer: 7,
  receiveBuffer: 8,
  keepAlive: 9,
  priority: 12,
  passCredentials: 16,
  timestamp: 29,
  sendBufferForce: 32,
  receiveBufferForce: 33,
  passSecurity: 34,
  timestampNs: 35,
  mark: 36,
} as const;
const tcp = {
  noDelay: 1,
  keepIdle: 4,
  keepInterval: 5,
  keepCount: 6,
  deferAccept: 9,
  congestion: 13,
} as const;
const ip = { serviceType: 1, timeToLive: 2, packetInfo: 8 } as const;
const ipv6 = { hops: 16, receivePacketInfo: 49 } as const;

/** The kernel's numbers of protocols. */
export const protocols = { udplite: 136, sctp: 132, mptcp: 262 } as const;

/** What is set on a socket once it is bound, in systemd's order; what does not apply to its kind is not among it. */
export function socketOptions(settings: SocketSettings, kind: SocketKind): readonly ListenerOption[] {
  const isInet = kind.family !== "unix";
  const isTcp = isInet && kind.type === "stream" && (settings.SocketProtocol ?? "mptcp") === "mptcp";
  return [
    ...general(settings, kind),
    ...(isTcp ? ofTcp(settings) : []),
    ...(isInet ? ofInternet(settings, kind) : []),
    ...(kind.family === "unix" ? ofUnix(settings) : []),
  ];
}

function general(settings: SocketSettings, { type, family }: SocketKind): ListenerOption[] {
  const { KeepAlive, Broadcast, Priority, ReceiveBuffer, SendBuffer, Mark, Timestamping } = settings;
  const isDatagram = type === "datagram" && family !== "unix";
  return [
    ...flag("KeepAlive", type === "datagram" ? undefined : KeepAlive, level.socket, number.keepAlive),
    ...flag("Broadcast", isDatagram ? Broadcast : undefined, level.socket, number.broadcast),
    ...amount("Priority", Priority, level.socket, number.priority),
    ...buffer("ReceiveBuffer", ReceiveBuffer, number.receiveBuffer, number.receiveBufferForce),
    ...buffer("SendBuffer", SendBuffer, number.sendBuffer, number.sendBufferForce),
    ...amount("Mark", Mark, level.socket, number.mark),
    ...flag("Timestamping", Timestamping === "us", level.socket, number.timestamp),
    ...flag("Timestamping", Timestamping === "ns", level.socket, number.timestampNs),
  ];
}

function ofTcp(settings: SocketSettings): ListenerOption[] {
  const { NoDelay, KeepAliveTimeSec, KeepAliveIntervalSec, KeepAliveProbes, DeferAcceptSec } = settings;
  const { TCPCongestion } = settings;
  return [
    ...flag("NoDelay", NoDelay, level.tcp, tcp.noDelay),
    ...amount("KeepAliveTimeSec", KeepAliveTimeSec, level.tcp, tcp.keepIdle),
    ...amount("KeepAliveIntervalSec", KeepAliveIntervalSec, level.tcp, tcp.keepInterval),
    ...amount("KeepAliveProbes", KeepAliveProbes, level.tcp, tcp.keepCount),
    ...amount("DeferAcceptSec", DeferAcceptSec, level.tcp, tcp.deferAccept),
    ...(TCPCongestion === undefined
      ? []
      : [
          {
            shown: "TCPCongestion",
            level: level.tcp,
            option: tcp.congestion,
            value: new Uint8Array(Buffer.from(TCPCongestion)),
          },
        ]),
  ];
}

function ofInternet(settings: SocketSettings, { family }: SocketKind): ListenerOption[] {
  const { IPTOS, IPTTL, PassPacketInfo } = settings;
  const six = family === "ipv6";
  return [
    ...amount("IPTOS", IPTOS, level.ip, ip.serviceType),
    ...amount("IPTTL", IPTTL, six ? level.ipv6 : level.ip, six ? ipv6.hops : ip.timeToLive),
    ...flag(
      "PassPacketInfo",
      PassPacketInfo,
      six ? level.ipv6 : level.ip,
      six ? ipv6.receivePacketInfo : ip.packetInfo,
    ),
  ];
}

function ofUnix({ PassCredentials, PassSecurity }: SocketSettings): ListenerOption[] {
  return [
    ...flag("PassCredentials", PassCredentials, level.socket, number.passCredentials),
    ...flag("PassSecurity", PassSecurity, level.socket, number.passSecurity),
  ];
}

/** What says no is as it is without. */
function flag(shown: string, value: boolean | undefined, at: number, option: number): ListenerOption[] {
  return value === true ? [{ shown, level: at, option, value: 1 }] : [];
}

const largest = 2 ** 31 - 1;

/** Times count in whole seconds, of which there is at least one. Negative values are those of the kernel: not set. */
function amount(shown: string, value: number | undefined, at: number, option: number): ListenerOption[] {
  if (value === undefined || value < 0) return [];
  return [{ shown, level: at, option, value: Math.min(Math.ceil(value), largest) }];
}

/** What goes beyond the limit for all is for the privileged, who then get it. */
function buffer(shown: string, value: number | undefined, option: number, force: number): ListenerOption[] {
  const usual = amount(shown, value, level.socket, option);
  return [...usual, ...usual.map((one): ListenerOption => ({ ...one, option: force, optional: true }))];
}
