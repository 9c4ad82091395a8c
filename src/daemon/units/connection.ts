// The services of the connections that a socket unit with Accept=yes has accepted.

import { connectionInstance } from "../../../systemd-compat/translate/context.js";
import { serviceNameOf } from "../../../systemd-compat/translate/service-names.js";
import type { Host } from "../constructors/host.js";
import { carrying } from "../definition/as-data.js";
import { isName } from "../definition/fields.js";
import type { Constructor, Destructor, ServiceDefinition } from "../definition/types.js";
import type { Name, Request, Result } from "../keeper/types.js";
import { isOneShot } from "./defaults.js";
import { decode, encode } from "./encoded.js";
import type { UnitData } from "./types.js";

const prefix = "connection/";
const remoteVariable = "REMOTE_ADDR";

/** What the keeper calls a connection that a socket unit's service has accepted. */
export function connectionName(of: string, number: number): Name {
  return `${prefix}${of}/${number}`;
}

/** The number of a connection of that service; undefined for every other name. */
export function connectionNumber(of: string, name: Name): number | undefined {
  const begin = `${prefix}${of}/`;
  const digits = name.startsWith(begin) ? name.slice(begin.length) : "";
  return /^\d{1,15}$/.test(digits) ? Number(digits) : undefined;
}

/**
 * Closes the keeper's end of a service's connection. It belongs into the step (`Step.after`) of the spawn of its last command
 * of ExecStart=, so that the peer sees the end of that process; no request where it serves none.
 */
export function connectionHandedOver({ connection }: UnitData): readonly Request[] {
  return connection === undefined ? [] : [{ op: "close", name: connection.socket }];
}

/** What the process of a connection finds on descriptor 3, unless the connection is one of its standard streams. */
export function connectionSockets(data: UnitData): readonly { readonly name: Name; readonly as: string }[] {
  if (data.connection === undefined) return [];
  const { StandardInput, StandardOutput, StandardError } = decode(data.service);
  const isStream = [StandardInput, StandardOutput, StandardError].some((stream) => stream?.kind === "socket");
  return isStream ? [] : [{ name: data.connection.socket, as: "connection" }];
}

/** Closes it where the start came to no process, or the service is over. It may be closed already. */
export function closeConnection(host: Host, { connection }: UnitData): void {
  if (connection !== undefined) closeName(host, connection.socket);
}

export function closeName(host: Host, name: Name): void {
  host.outbox.post({ op: "close", name }).catch((error: unknown) => host.report(String(error)));
}

/** Who is at the ends of a connection, as `accept` tells it. */
export type Ends = Pick<Result, "local" | "port" | "remote" | "remotePort" | "pid" | "uid">;

/**
 * The service of one connection. All of it is data: the next daemon reads it where the keeper keeps it.
 * @param requires full names of units, which run by now
 */
export function connectionService(
  of: string,
  template: UnitData,
  number: number,
  ends: Ends | undefined,
  requires: readonly string[] = [],
): ServiceDefinition {
  const named = dataFor(of, template, number, `${number}${instanceOf(ends)}`, ends);
  // Longer than a name can be, with two addresses of IPv6 and a long name before them.
  const data = isName(named.unit) ? named : dataFor(of, template, number, String(number), ends);
  return {
    provision: [serviceNameOf(data.unit), data.unit],
    requirement: requires.map(serviceNameOf),
    oneShot: isOneShot(decode(data.service)),
    transient: true,
    respawn: false,
    respawnLimit: false,
    respawnDelay: 0,
    start: carrying(data) as Constructor,
    stop: carrying({ kind: "unit" }) as Destructor,
    retryable: false,
    actions: [],
    autoStart: false,
    singleStart: true,
    documentation: `One connection of ${of}.`,
  };
}

/** As systemd names them: where it ends here, where there; of a Unix socket the peer's pid and uid. */
function instanceOf(ends: Ends | undefined): string {
  if (ends === undefined) return "";
  const { local, port, remote, remotePort, pid, uid } = ends;
  if (local !== undefined && port !== undefined && remote !== undefined && remotePort !== undefined)
    return `-${plain(local)}:${port}-${plain(remote)}:${remotePort}`;
  return pid === undefined || uid === undefined ? "-unknown" : `-${pid}-${uid}`;
}

/** Whence a connection comes; undefined where its socket has no such thing. */
export function sourceOf({ remote }: Ends): string | undefined {
  return remote === undefined ? undefined : plain(remote);
}

/** Whether the service is one for a connection from there. */
export function cameFrom(source: string): (data: UnitData) => boolean {
  return ({ service }) => decode(service).Environment?.get(remoteVariable) === source;
}

/** An address of IPv4 without the form that sockets of IPv6 give it. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/, "");
}

function dataFor(
  of: string,
  template: UnitData,
  number: number,
  instance: string,
  ends: Ends | undefined,
): UnitData {
  // No character of an instance made here means something in JSON.
  const data = JSON.parse(JSON.stringify(template).replaceAll(connectionInstance, instance)) as UnitData;
  const service = decode(data.service);
  const Environment = new Map([...remoteOf(ends), ...(service.Environment ?? [])]);
  return {
    ...data,
    service: encode({ ...service, Environment }),
    connection: { of, socket: connectionName(of, number) },
  };
}

function remoteOf(ends: Ends | undefined): readonly (readonly [string, string])[] {
  const source = ends === undefined ? undefined : sourceOf(ends);
  if (ends === undefined || source === undefined) return [];
  const address = [remoteVariable, source] as const;
  return ends.remotePort === undefined ? [address] : [address, ["REMOTE_PORT", String(ends.remotePort)]];
}
