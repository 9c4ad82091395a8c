// A socket unit with Accept=yes that runs: each connection gets a service of its own, made from the unit's template.

import { constants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { serviceNameOf } from "../../../systemd-compat/translate/service-names.js";
import type { Attendance, Host, RunningContext } from "../constructors/host.js";
import type { Json, RunningValue } from "../definition/types.js";
import { errorText } from "../error-text.js";
import { describeErrno } from "../keeper/errno.js";
import type { Name, Result } from "../keeper/types.js";
import {
  cameFrom,
  closeName,
  connectionName,
  connectionNumber,
  connectionService,
  type Ends,
  sourceOf,
} from "./connection.js";
import { decode } from "./encoded.js";
import type { UnitSocketValue } from "./socket.js";
import { listenerNames } from "./socket-listeners.js";
import { TriggerLimit } from "./trigger-limit.js";
import type { UnitData, UnitSocketData } from "./types.js";

/** systemd's defaults. */
const defaults = { burst: 200, seconds: 2, connections: 64 } as const;

/** How long, in ms, connections wait where one could not be accepted: the next one would fare no better at once. */
const pause = 1000;

/** Accepts until it is closed; connections that are being served then are not its business. */
export function attendAccepting(host: Host, context: RunningContext, data: UnitSocketData): Attendance {
  const { template } = data;
  if (template === undefined) {
    context.failed(`there is no template ${data.service} for the services of its connections`);
    return { close: () => undefined };
  }
  return new Accepting(host, context, data, template);
}

class Accepting implements Attendance {
  readonly #host: Host;
  readonly #context: RunningContext;
  readonly #data: UnitSocketData;
  readonly #template: UnitData;
  readonly #sockets: readonly Name[];
  readonly #limit: TriggerLimit;
  readonly #over = new AbortController();
  /** How many connections wait for what their services need. */
  #waiting = 0;
  #accepted: number;

  constructor(host: Host, context: RunningContext, data: UnitSocketData, template: UnitData) {
    this.#host = host;
    this.#context = context;
    this.#data = data;
    this.#template = template;
    this.#sockets = listenerNames(context.name, data);
    const { TriggerLimitBurst, TriggerLimitIntervalSec } = decode(data.socket);
    this.#limit = new TriggerLimit({
      burst: TriggerLimitBurst ?? defaults.burst,
      seconds: TriggerLimitIntervalSec ?? defaults.seconds,
    });
    this.#accepted = acceptedOf(context.value());
    this.#goOn();
    for (const socket of this.#sockets) this.#watch(socket);
  }

  close(): void {
    this.#over.abort();
    for (const socket of this.#sockets) this.#host.readables.unwatch(socket);
  }

  /** Serves what an earlier daemon has accepted and did not come to give a service. */
  #goOn(): void {
    const { host, name } = { host: this.#host, name: this.#context.name };
    const served = this.#served();
    for (const connection of host.found) {
      const number = connectionNumber(name, connection);
      if (number === undefined || served.has(connection)) continue;
      // What an earlier run of the unit has left belongs to nobody.
      if (number > this.#accepted) closeName(host, connection);
      else this.#serve(number, undefined);
    }
  }

  #watch(socket: Name): void {
    if (this.#over.signal.aborted) return;
    this.#host.readables.watch(socket, () => {
      // It rejects where the unit was stopped while a connection had to wait.
      this.#accept(socket).catch(() => undefined);
    });
  }

  /** Runs in the step that is begun by the event: its number, the acceptance and the acknowledgement are one. */
  async #accept(socket: Name): Promise<void> {
    const host = this.#host;
    if (!this.#limit.take()) {
      this.#context.failed("there were too many connections within a short time");
      return;
    }
    const number = this.#nextNumber();
    const connection = connectionName(this.#context.name, number);
    const answer = host.outbox.together(() => {
      this.#accepted = number;
      this.#context.change({ ...(this.#context.value() as object), accepted: number } as Json);
      return host.outbox.post(
        { op: "accept", name: socket, connection },
        ...host.readables.acknowledgement(socket),
      );
    });
    const [result] = await answer;
    if (result?.errno === 0) this.#admit(number, result);
    else await this.#refused(socket, result);
  }

  /** The keeper's names of the connections that have a service, though their processes may have them by now. */
  #served(): ReadonlySet<Name> {
    const served = this.#host.offspring.connections(this.#context.name);
    return new Set(served.map(({ connection }) => connection?.socket ?? ""));
  }

  /** Another than what still is there, be it of an earlier run. */
  #nextNumber(): number {
    const taken = this.#served();
    let number = this.#accepted + 1;
    while (taken.has(connectionName(this.#context.name, number))) number += 1;
    return number;
  }

  async #refused(socket: Name, result: Result | undefined): Promise<void> {
    const { errno = constants.errno.EIO, text = "" } = result ?? {};
    // The peer has given up meanwhile.
    if (errno === constants.errno.EAGAIN || errno === constants.errno.ECONNABORTED) return;
    this.#host.report(`socket ${this.#context.name}: ${text}: ${describeErrno(errno)}`);
    this.#host.readables.unwatch(socket);
    await delay(pause, undefined, { signal: this.#over.signal });
    this.#watch(socket);
  }

  #admit(number: number, ends: Ends): void {
    const host = this.#host;
    const { name } = this.#context;
    const { MaxConnections = defaults.connections, MaxConnectionsPerSource = 0 } = decode(this.#data.socket);
    const served = host.offspring.connections(name);
    // Of a Unix socket nobody knows whence they come.
    const source = ends.remotePort === undefined ? undefined : sourceOf(ends);
    const isLimited = MaxConnectionsPerSource > 0 && source !== undefined;
    let refusal: string | undefined;
    if (this.#over.signal.aborted) refusal = "the unit is being stopped";
    else if (served.length + this.#waiting >= MaxConnections) refusal = `there are ${MaxConnections} already`;
    else if (isLimited && served.filter(cameFrom(source)).length >= MaxConnectionsPerSource)
      refusal = `there are ${MaxConnectionsPerSource} from ${source} already`;
    if (refusal === undefined) {
      this.#serve(number, ends);
      return;
    }
    this.#context.log(`Socket '${name}' closes a connection: ${refusal}.`);
    closeName(host, connectionName(name, number));
  }

  #serve(number: number, ends: Ends | undefined): void {
    const host = this.#host;
    const { name } = this.#context;
    this.#begin(number, ends)
      .catch((error: unknown) => host.report(`socket ${name}: ${errorText(error)}`))
      // Its process has it by now, or there is none.
      .finally(() => closeName(host, connectionName(name, number)))
      .catch((error: unknown) => host.report(errorText(error)));
  }

  async #begin(number: number, ends: Ends | undefined): Promise<void> {
    const { name } = this.#context;
    const { requires, wants } = this.#data.needs ?? { requires: [], wants: [] };
    if (requires.length + wants.length > 0) {
      this.#waiting += 1;
      const refusal = await this.#provide(requires, wants).finally(() => {
        this.#waiting -= 1;
      });
      if (refusal !== undefined) {
        this.#context.log(`Socket '${name}' closes a connection: ${refusal}.`);
        return;
      }
    }
    await this.#host.offspring.start(connectionService(name, this.#template, number, ends, requires));
  }

  /** Starts what the service of a connection needs and does not run; resolves with why it cannot be served then. */
  async #provide(requires: readonly string[], wants: readonly string[]): Promise<string | undefined> {
    const { offspring, states } = this.#host;
    const idle = (units: readonly string[]): readonly string[] =>
      units.map(serviceNameOf).filter((one) => states.of(one)?.state.status !== "running");
    // Whether they come up makes no difference.
    const wanted = idle(wants).filter((one) => states.of(one) !== undefined);
    if (wanted.length > 0)
      offspring
        .startAll(wanted)
        .catch((error: unknown) => this.#host.report(`socket ${this.#context.name}: ${errorText(error)}`));
    for (const one of idle(requires))
      if (!(await offspring.startAll([one])))
        return `its service requires ${one}, which could not be started`;
    return this.#over.signal.aborted ? "the unit is being stopped" : undefined;
  }
}

function acceptedOf(value: RunningValue): number {
  const { accepted = 0 } = value as unknown as Partial<UnitSocketValue>;
  return accepted;
}
