// What a socket unit listens to, as it is asked of the keeper: pure functions of its settings.

import { createHash } from "node:crypto";
import { constants } from "node:fs";
import type { SocketSettings } from "../../../systemd-compat/directives.js";
import type { Listener as Listening } from "../../../systemd-compat/values/sockets.js";
import { StartFailure } from "../constructors/host.js";
import { type Listener, listenerName } from "../constructors/sockets.js";
import { addressText } from "../definition/endpoint.js";
import type { Endpoint, EndpointAddress, SocketStyle } from "../definition/types.js";
import type { ListenSpec, Name } from "../keeper/types.js";
import { decode } from "./encoded.js";
import { protocols, socketOptions } from "./socket-options.js";
import type { UnitSocketData } from "./types.js";

/** What has to be found out on this machine. */
export interface SocketFacts {
  /** Whose the files are; absent: the supervisor's. */
  readonly uid?: number;
  readonly gid?: number;
  readonly hasIpv6: boolean;
}

/** systemd's defaults. The kernel has a limit of its own for how many connections wait. */
const defaults = { mode: 0o666, directoryMode: 0o755, backlog: 2 ** 31 - 1 } as const;

type Socket = Extract<Listening, { readonly kind: "stream" | "datagram" | "seqpacket" }>;
type File = Extract<Listening, { readonly path: string }>;

/** The keeper's names of all that a unit listens to, in order. */
export function listenerNames(service: string, data: UnitSocketData): readonly Name[] {
  const settings = decode(data.socket);
  return listeningOf(settings).map((listening) => nameOf(service, settings, listening));
}

/**
 * What the unit listens to, in order; a value of the same kind twice is one.
 *
 * @throws StartFailure for what cannot be listened to here
 */
export function listenersOf(service: string, data: UnitSocketData, facts: SocketFacts): readonly Listener[] {
  const settings = decode(data.socket);
  return listeningOf(settings).map((listening) => {
    const name = nameOf(service, settings, listening);
    switch (listening.kind) {
      case "stream":
      case "datagram":
      case "seqpacket":
        return socketListener(name, listening, settings, facts);
      case "fifo":
      case "special":
        return fileListener(name, listening, settings, facts);
      default:
        throw new StartFailure(
          `listen on ${listeningText(listening)}: ${kinds[listening.kind]} not supported`,
        );
    }
  });
}

/** What the running value tells of them. */
export function endpointsOf(data: UnitSocketData, facts: SocketFacts): readonly Endpoint[] {
  const settings = decode(data.socket);
  return listeningOf(settings).map((listening) => endpointOf(data, settings, listening, facts));
}

/** What a descriptor is told to be in LISTEN_FDNAMES. */
export function descriptorName(data: UnitSocketData): string {
  const { FileDescriptorName, Accept = false } = decode(data.socket);
  return FileDescriptorName ?? (Accept ? "connection" : data.unit);
}

const kinds = {
  netlink: "sockets of netlink are",
  "message-queue": "message queues are",
  "usb-function": "functions of USB are",
} as const;

function listeningOf({ Listen = [] }: SocketSettings): readonly Listening[] {
  const seen = new Set<string>();
  return Listen.filter((listening) => {
    const text = JSON.stringify(listening);
    return !seen.has(text) && seen.add(text);
  });
}

/** What is made of all that decides how it is made: a unit that has changed listens anew. */
function nameOf(service: string, settings: SocketSettings, listening: Listening): Name {
  const { RemoveOnStop = false } = settings;
  const made = [listening, partsOfName.map((name) => settings[name] ?? null)];
  const digest = createHash("sha256").update(JSON.stringify(made)).digest("hex").slice(0, 16);
  return listenerName(service, digest, !RemoveOnStop);
}

const partsOfName = [
  "Backlog",
  "BindIPv6Only",
  "BindToDevice",
  "Broadcast",
  "DeferAcceptSec",
  "DirectoryMode",
  "FreeBind",
  "IPTOS",
  "IPTTL",
  "KeepAlive",
  "KeepAliveIntervalSec",
  "KeepAliveProbes",
  "KeepAliveTimeSec",
  "Mark",
  "NoDelay",
  "PassCredentials",
  "PassPacketInfo",
  "PassSecurity",
  "Priority",
  "ReceiveBuffer",
  "ReusePort",
  "SendBuffer",
  "SocketGroup",
  "SocketMode",
  "SocketProtocol",
  "SocketUser",
  "TCPCongestion",
  "Timestamping",
  "Transparent",
  "Writable",
] as const satisfies readonly (keyof SocketSettings)[];

function socketListener(
  name: Name,
  listening: Socket,
  settings: SocketSettings,
  facts: SocketFacts,
): Listener {
  const { kind: type } = listening;
  const { family, address, ...rest } = whereOf(listening, facts);
  const spec: ListenSpec = {
    name,
    type,
    family,
    address,
    backlog: settings.Backlog ?? defaults.backlog,
    ...rest,
    ...(family === "unix" ? fileOptions(settings, facts) : internetOptions(settings, family)),
  };
  const endpoint = { address: endpointAddress(listening, facts), style: type };
  return {
    name,
    address: addressText(endpoint.address),
    make: { op: "listen", ...spec },
    options: socketOptions(settings, { family, type }),
    attempts: 1,
    endpoint,
  };
}

function internetOptions(settings: SocketSettings, family: "ipv4" | "ipv6"): Partial<ListenSpec> {
  const {
    BindIPv6Only = "default",
    FreeBind,
    Transparent,
    ReusePort,
    BindToDevice,
    SocketProtocol,
  } = settings;
  return {
    ...(family === "ipv4" || BindIPv6Only === "default" ? {} : { v6Only: BindIPv6Only === "ipv6-only" }),
    ...(FreeBind === true ? { freeBind: true } : {}),
    ...(Transparent === true ? { transparent: true } : {}),
    ...(ReusePort === true ? { reusePort: true } : {}),
    ...(BindToDevice === undefined ? {} : { interface: BindToDevice }),
    ...(SocketProtocol === undefined ? {} : { protocol: protocols[SocketProtocol] }),
  };
}

function fileOptions(settings: SocketSettings, { uid, gid }: SocketFacts) {
  return {
    mode: settings.SocketMode ?? defaults.mode,
    directoryMode: settings.DirectoryMode ?? defaults.directoryMode,
    ...(uid === undefined ? {} : { uid }),
    ...(gid === undefined ? {} : { gid }),
  };
}

function fileListener(
  name: Name,
  { kind, path }: File,
  settings: SocketSettings,
  facts: SocketFacts,
): Listener {
  const { O_RDWR, O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  const access = kind === "fifo" || settings.Writable === true ? O_RDWR : O_RDONLY;
  const flags = access | O_NOFOLLOW | O_NONBLOCK;
  const fifo = kind === "fifo" ? { fifo: true, ...fileOptions(settings, facts) } : {};
  return {
    name,
    address: path,
    make: { op: "open", name, path, flags, ...fifo },
    options: [],
    attempts: 1,
    endpoint: { address: { family: "unix", path }, style: "stream" },
  };
}

type Where = Pick<ListenSpec, "family" | "address" | "port">;

/** @throws StartFailure where there is no such family here */
function whereOf(listening: Socket, { hasIpv6 }: SocketFacts): Where {
  const { address } = listening;
  switch (address.family) {
    case "unix":
      return { family: "unix", address: address.path };
    case "abstract":
      return { family: "unix", address: `@${address.name}` };
    case "ipv4":
      return { family: "ipv4", address: address.host, port: address.port };
    case "ipv6": {
      const scope = address.interface === undefined ? "" : `%${address.interface}`;
      return { family: "ipv6", address: `${address.host}${scope}`, port: address.port };
    }
    case "any":
      return hasIpv6
        ? { family: "ipv6", address: "::", port: address.port }
        : { family: "ipv4", address: "0.0.0.0", port: address.port };
    case "vsock":
      throw new StartFailure(`listen on ${listeningText(listening)}: sockets of vsock are not supported`);
  }
}

function endpointAddress(listening: Listening, facts: SocketFacts): EndpointAddress {
  if (!isSocket(listening)) return { family: "unix", path: listeningText(listening) };
  const { family, address, port = 0 } = whereOf(listening, facts);
  return family === "unix" ? { family, path: address } : { family, host: address.replace(/%.*/, ""), port };
}

function endpointOf(
  data: UnitSocketData,
  settings: SocketSettings,
  listening: Listening,
  facts: SocketFacts,
): Endpoint {
  const style: SocketStyle = isSocket(listening) ? listening.kind : "stream";
  return {
    address: endpointAddress(listening, facts),
    name: descriptorName(data),
    style,
    backlog: settings.Backlog ?? defaults.backlog,
    socketPermissions: settings.SocketMode ?? defaults.mode,
    socketDirectoryPermissions: settings.DirectoryMode ?? defaults.directoryMode,
    bindAttempts: 1,
    ...(facts.uid === undefined ? {} : { socketOwner: facts.uid }),
    ...(facts.gid === undefined ? {} : { socketGroup: facts.gid }),
  };
}

function isSocket(listening: Listening): listening is Socket {
  return listening.kind === "stream" || listening.kind === "datagram" || listening.kind === "seqpacket";
}

/** As people know it. */
export function listeningText(listening: Listening): string {
  if ("path" in listening) return listening.path;
  if (!isSocket(listening))
    return "name" in listening ? listening.name : `${listening.family} ${listening.group}`;
  const { address } = listening;
  switch (address.family) {
    case "unix":
      return address.path;
    case "abstract":
      return `@${address.name}`;
    case "vsock":
      return `vsock:${address.cid ?? ""}:${address.port}`;
    case "any":
      return String(address.port);
    case "ipv4":
      return `${address.host}:${address.port}`;
    case "ipv6":
      return `[${address.host}]:${address.port}`;
  }
}
