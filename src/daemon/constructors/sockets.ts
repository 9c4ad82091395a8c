// The listening sockets of services. The keeper holds them, each under a name that says whose it is and what it is bound
// to: whoever needs it again, a respawned service, a restarted one or the next daemon's, finds it by that name, and
// nothing is bound twice.

import { createHash } from "node:crypto";
import { constants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { addressHolder } from "../address-holder.js";
import { addressText } from "../definition/endpoint.js";
import { shownCommand } from "../definition/secrets.js";
import type { Endpoint, InetdData, Json, RunningValue, SystemdData } from "../definition/types.js";
import { errorText } from "../error-text.js";
import { describeErrno } from "../keeper/errno.js";
import type { DescriptorRecord, ListenSpec, Name, Request } from "../keeper/types.js";
import type { Outbox } from "../outbox.js";
import { type Host, type StartContext, StartFailure } from "./host.js";

/** How long, in ms, an address that is in use is left alone. */
const retryInterval = 1000;
const prefix = "socket/";
/** Begins the last part of a name: the file in which it listens stays there when it is closed. */
const staying = "stays-";

/** What the keeper calls a service's socket; an endpoint that has changed has another one. */
export function socketName(service: string, endpoint: Endpoint): Name {
  const { address, style, backlog, socketOwner, socketGroup, socketPermissions } = endpoint;
  const bound = [address, style, backlog, socketOwner, socketGroup, socketPermissions];
  const digest = createHash("sha256").update(JSON.stringify(bound)).digest("hex");
  return `${prefix}${service}/${digest.slice(0, 16)}`;
}

/** What the keeper calls something that a service listens to, told from its others by `digest`. */
export function listenerName(service: string, digest: string, fileStays: boolean): Name {
  return `${prefix}${service}/${fileStays ? staying : ""}${digest}`;
}

/** What a service listens to, as it is asked of the keeper. */
export interface Listener {
  readonly name: Name;
  /** Where it listens, as people are told. */
  readonly address: string;
  readonly make: Extract<Request, { readonly op: "listen" | "open" }>;
  /** Set once it is there. What the kernel refuses is told, and it is used without. */
  readonly options: readonly ListenerOption[];
  /** How often an address that is in use is tried, once a second. */
  readonly attempts: number;
  /** By which it is found who has the address. */
  readonly endpoint: Pick<Endpoint, "address" | "style">;
}

export interface ListenerOption {
  /** Its name, as people know it. */
  readonly shown: string;
  readonly level: number;
  readonly option: number;
  readonly value: number | Uint8Array;
  /** A way that only some may go: its failure is none. */
  readonly optional?: true;
}

const serviceOf = (name: Name): string => name.slice(prefix.length, name.lastIndexOf("/"));

type Start = Pick<StartContext, "name" | "signal" | "say">;
type Resolve = Host["resolveIdentity"];

export class Sockets {
  readonly #outbox: Outbox;
  readonly #resolveIdentity: Resolve;
  readonly #report: (message: string) => void;
  readonly #letGo: (service: string) => Promise<void> | undefined;
  /** Services whose sockets somebody has still to let go of. */
  readonly #closing = new Map<string, Promise<void>>();
  /** Those that exist once the keeper has carried out what was posted, by service. */
  readonly #held = new Map<string, Set<Name>>();
  /** Where they listen, as far as this daemon knows. */
  readonly #addresses = new Map<Name, string>();
  readonly #keeperPid: number;

  /**
   * @param found what the keeper holds, an earlier daemon's sockets among it
   * @param letGo has whoever else reads a service's sockets come to an end with them, before they are closed
   */
  constructor(
    outbox: Outbox,
    found: readonly DescriptorRecord[],
    resolveIdentity: Resolve,
    keeperPid: number,
    report: (message: string) => void,
    letGo: (service: string) => Promise<void> | undefined = () => undefined,
  ) {
    this.#letGo = letGo;
    this.#outbox = outbox;
    this.#keeperPid = keeperPid;
    this.#resolveIdentity = resolveIdentity;
    this.#report = report;
    for (const { name, path } of found) {
      if (!name.startsWith(prefix)) continue;
      this.#of(serviceOf(name)).add(name);
      if (path !== undefined) this.#addresses.set(name, path);
    }
  }

  /** Services that have sockets. */
  get services(): readonly string[] {
    return [...this.#held.keys()];
  }

  /**
   * Makes a service's sockets, but for those that are there already; what its definition had before and has no more is
   * closed. Resolves with the endpoints, their owners by number; rejects with a StartFailure that names the address, and
   * `close` then closes what was made.
   */
  async open(start: Start, endpoints: readonly Endpoint[]): Promise<readonly Endpoint[]> {
    const opened = await Promise.all(endpoints.map((endpoint) => this.#withOwner(endpoint)));
    const listeners = opened.map((owned, index) =>
      listenerOf(socketName(start.name, endpoints[index] ?? owned), owned),
    );
    await this.hold(start, listeners);
    return opened;
  }

  /** As `open`, of listeners of all kinds. */
  async hold(start: Start, listeners: readonly Listener[]): Promise<void> {
    const { name: service } = start;
    await this.#closing.get(service);
    const names = listeners.map(({ name }) => name);
    const held = this.#of(service);
    for (const name of held) if (!names.includes(name)) this.#close(held, name);
    for (const listener of listeners) if (!held.has(listener.name)) await this.#listen(held, listener, start);
  }

  /** Whether a service has it open, or will have once the keeper has carried out what was posted. */
  has(service: string, name: Name): boolean {
    return this.#held.get(service)?.has(name) ?? false;
  }

  /** Closes all sockets of a service; those in the file system vanish from it. */
  close(service: string): void {
    if (this.#closing.has(service)) return;
    const over = this.#letGo(service);
    if (over === undefined) {
      this.#closeAll(service);
      return;
    }
    const closing = over
      .catch((error: unknown) => this.#report(errorText(error)))
      .then(() => {
        this.#closing.delete(service);
        this.#closeAll(service);
      });
    this.#closing.set(service, closing);
  }

  /** Resolves when what a service had is let go of; undefined where nobody has to. */
  closing(service: string): Promise<void> | undefined {
    return this.#closing.get(service);
  }

  #closeAll(service: string): void {
    const held = this.#held.get(service);
    if (held === undefined) return;
    for (const name of held) this.#close(held, name);
    this.#held.delete(service);
  }

  async #listen(held: Set<Name>, listener: Listener, start: Start): Promise<void> {
    const { signal, name: service } = start;
    const { name, address, make, options } = listener;
    for (let attempt = 1; ; attempt += 1) {
      signal.throwIfAborted();
      // From now on whoever closes the service's sockets closes this one too: requests are carried out in order.
      held.add(name);
      const [result, ...results] = await this.#outbox.post(
        make,
        ...options.map((one) => optionOf(name, one)),
      );
      if (result?.errno === 0) {
        this.#addresses.set(name, address);
        for (const [index, { shown, optional }] of options.entries()) {
          const errno = results[index]?.errno ?? 0;
          if (errno !== 0 && optional === undefined)
            start.say(`${shown} of ${address}: ${describeErrno(errno)}; it is used without.`);
        }
        return;
      }
      signal.throwIfAborted();
      held.delete(name);
      const failure = `listen on ${address}: ${describeErrno(result?.errno ?? constants.errno.EIO)}`;
      if (result?.errno !== constants.errno.EADDRINUSE) throw new StartFailure(failure);
      const isLast = attempt >= listener.attempts;
      const inUse = isLast || attempt === 1 ? `${failure}${await this.#holder(service, listener)}` : failure;
      if (isLast) throw new StartFailure(`${inUse} (tried ${times(attempt)})`);
      if (attempt === 1) start.say(`${inUse}; trying again.`);
      await delay(retryInterval, undefined, { signal });
    }
  }

  /** Says by whom an address is in use, as far as that can be seen. */
  async #holder(service: string, { endpoint, address }: Listener): Promise<string> {
    const holder = await addressHolder(endpoint);
    if (holder === undefined) return "";
    const { pid, program } = holder;
    if (pid !== this.#keeperPid) return ` by ${program} (PID ${pid})`;
    const [other] =
      [...this.#addresses].find(([name, one]) => one === address && serviceOf(name) !== service) ?? [];
    return other === undefined ? " by shepherd itself" : ` by service ${serviceOf(other)}`;
  }

  async #withOwner(endpoint: Endpoint): Promise<Endpoint> {
    const { socketOwner: user, socketGroup: group } = endpoint;
    const { uid, gid } = await this.#resolveIdentity({
      ...(user === undefined ? {} : { user }),
      ...(group === undefined ? {} : { group }),
    });
    // An owner's own group is not meant where no group is named.
    return {
      ...endpoint,
      ...(user === undefined || uid === undefined ? {} : { socketOwner: uid }),
      ...(group === undefined || gid === undefined ? {} : { socketGroup: gid }),
    };
  }

  #close(held: Set<Name>, name: Name): void {
    held.delete(name);
    this.#addresses.delete(name);
    this.#outbox
      .post({ op: "close", name, unlink: !name.slice(name.lastIndexOf("/") + 1).startsWith(staying) })
      .then(([result]) => {
        const { errno = 0, text = "" } = result ?? {};
        // It may never have come to exist.
        if (errno !== 0 && errno !== constants.errno.ENOENT) this.#report(`${text}: ${describeErrno(errno)}`);
      })
      .catch((error: unknown) => this.#report(String(error)));
  }

  #of(service: string): Set<Name> {
    const held = this.#held.get(service) ?? new Set();
    this.#held.set(service, held);
    return held;
  }
}

const times = (count: number): string => (count === 1 ? "once" : `${count} times`);

function optionOf(name: Name, { level, option, value }: ListenerOption): Request {
  const given = typeof value === "number" ? { amount: value } : { value };
  return { op: "set-option", name, level, option, ...given };
}

/** @param endpoint with its owner by number */
function listenerOf(name: Name, endpoint: Endpoint): Listener {
  return {
    name,
    address: addressText(endpoint.address),
    make: { op: "listen", name, ...specOf(endpoint) },
    options: [],
    attempts: endpoint.bindAttempts,
    endpoint,
  };
}

function specOf(endpoint: Endpoint): Omit<ListenSpec, "name"> {
  const { address, style: type, backlog, socketOwner: uid, socketGroup: gid } = endpoint;
  if (address.family !== "unix") {
    const { family, host, port } = address;
    return { family, address: host, port, type, backlog, ...(family === "ipv6" ? { v6Only: true } : {}) };
  }
  return {
    family: "unix",
    address: address.path,
    type,
    backlog,
    mode: endpoint.socketPermissions,
    directoryMode: endpoint.socketDirectoryPermissions,
    ...(typeof uid === "number" ? { uid } : {}),
    ...(typeof gid === "number" ? { gid } : {}),
  };
}

/** The running value of a service that listens and has no process; what it is on the wire is the control socket's business. */
export interface SocketsValue {
  readonly type: "inetd-service" | "systemd-service";
  readonly endpoints: readonly Endpoint[];
  /** Absent: another service has the program. */
  readonly command?: readonly string[];
}

/** @param endpoints as they were opened */
export function socketsValue(
  { kind, command, options }: InetdData | SystemdData,
  endpoints: readonly Endpoint[],
): RunningValue {
  const value: SocketsValue = {
    type: `${kind}-service`,
    endpoints,
    command: shownCommand(command, options),
  };
  return value as SocketsValue & Json;
}

export function isSocketsValue(value: RunningValue | undefined): value is SocketsValue & Json {
  return (
    typeof value === "object" &&
    value !== null &&
    "type" in value &&
    (value.type === "inetd-service" || value.type === "systemd-service") &&
    "endpoints" in value
  );
}
