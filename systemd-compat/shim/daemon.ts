// The daemon, as systemctl asks it: units are services of theirs, and such as it does not know yet are loaded on demand.

import { ConnectionError } from "../../src/herd/connection-error.js";
import { converse, requestId } from "../../src/herd/conversation.js";
import { describeException } from "../../src/herd/render/exception.js";
import { commandErrorText } from "../../src/herd/report.js";
import { type Command, ProtocolError, type Reply } from "../../src/protocol/messages.js";
import { decodeService, decodeServices, type ServiceStatus } from "../../src/protocol/service-status.js";
import { isList, type Sexp, sym } from "../../src/protocol/sexp.js";
import type { UnitName } from "../names.js";
import { serviceNameOf, unitNameOf } from "../translate/service-names.js";

/** Whether a service is the supervisor's own, which no unit is. */
const isOurOwn = (service: string): boolean => ["root", "shepherd", "systemd"].includes(service);

/** Nobody answers. */
export class NoDaemonError extends Error {
  override readonly name = "NoDaemonError";
}

export interface Outcome {
  readonly succeeded: boolean;
  /** What was said meanwhile. */
  readonly lines: readonly string[];
}

/** Milliseconds that an answer is waited for where none is wanted: mistakes are told at once. */
const impatience = 500;

export class Daemon {
  readonly #socket: string;

  /** @param socket the control socket */
  constructor(socket: string) {
    this.#socket = socket;
  }

  /** @throws NoDaemonError */
  async #ask(
    action: string,
    service: string,
    words: readonly string[],
    { ending = false, lines = [] }: { readonly ending?: boolean; readonly lines?: string[] } = {},
  ): Promise<Reply | undefined> {
    const command: Command = {
      action: sym(action),
      service: sym(service),
      arguments: words,
      directory: "/",
      stream: true,
      id: requestId(),
    };
    try {
      const conversation = {
        ending,
        cleanse: (expression: Sexp) => expression,
        message: (line: string) => lines.push(line),
        tell: () => undefined,
      };
      const reply = await converse(command, conversation, this.#socket);
      lines.push(...(reply?.messages ?? []));
      return reply;
    } catch (error) {
      if (error instanceof ConnectionError || error instanceof ProtocolError)
        throw new NoDaemonError(error.message);
      throw error;
    }
  }

  /** What the daemon knows of a unit's service; undefined where there is none. */
  async status(unit: UnitName): Promise<ServiceStatus | undefined> {
    if (isOurOwn(serviceNameOf(unit.full))) return undefined;
    const reply = await this.#ask("status", serviceNameOf(unit.full), []);
    if (reply?.error !== undefined || !isList(reply?.result)) return undefined;
    const [service] = reply.result;
    return service === undefined ? undefined : decodeService(service);
  }

  /** All services but the supervisor's own, by the names that their units have, or would have. */
  async services(): Promise<readonly { readonly unit: string; readonly status: ServiceStatus }[]> {
    return (await this.#all()).flatMap((status) => {
      const [name] = status.provides;
      return isOurOwn(name) ? [] : [{ unit: unitNameOf(name), status }];
    });
  }

  /** What the supervisor tells of itself. */
  async itself(): Promise<ServiceStatus | undefined> {
    return (await this.#all()).find(({ provides }) => provides.includes("root"));
  }

  /** Whether it reads units at all. */
  async readsUnits(): Promise<boolean> {
    return (await this.#all()).some(({ provides }) => provides.includes("systemd"));
  }

  async #all(): Promise<readonly ServiceStatus[]> {
    const reply = await this.#ask("status", "root", []);
    return reply === undefined || reply.error !== undefined ? [] : decodeServices(reply.result);
  }

  /**
   * Has the daemon know a unit. Where it cannot load any, those that it knows are all there are.
   * @returns why it is not known; undefined where it is
   */
  async load(unit: UnitName): Promise<string | undefined> {
    if ((await this.status(unit)) !== undefined) return undefined;
    const reply = await this.#ask("load", "systemd", [unit.full]);
    const { error } = reply ?? {};
    if (error === undefined) return undefined;
    if (error.kind === "service-not-found") return `Unit ${unit.full} not found.`;
    return error.kind === "action-exception"
      ? describeException(error.key, error.arguments)
      : commandErrorText(error);
  }

  /** Runs an action of a unit's service to its end. */
  async perform(action: string, unit: UnitName, { wait = true } = {}): Promise<Outcome> {
    return await this.#run(action, serviceNameOf(unit.full), [], wait);
  }

  /** An action of the supervisor itself, or of the service that reads units. */
  async manage(action: string, words: readonly string[] = [], service = "root"): Promise<Outcome> {
    return await this.#run(action, service, words, true);
  }

  async #run(action: string, service: string, words: readonly string[], wait: boolean): Promise<Outcome> {
    const lines: string[] = [];
    const ending = service === "root";
    const asked = this.#ask(action, service, words, { ending, lines });
    const reply = wait ? await asked : await soon(asked);
    if (reply === "later") return { succeeded: true, lines };
    const { error, result } = reply ?? { result: [true] };
    if (error === undefined)
      return { succeeded: result !== false && !(isList(result) && result[0] === false), lines };
    const text =
      error.kind === "action-exception"
        ? describeException(error.key, error.arguments)
        : commandErrorText(error);
    return { succeeded: false, lines: [...lines, text] };
  }
}

/** The answer, or `later` where there is none yet: the daemon carries a request out whether or not its client is there. */
async function soon<T>(asked: Promise<T>): Promise<T | "later"> {
  let timer: NodeJS.Timeout | undefined;
  const later = new Promise<"later">((resolve) => {
    timer = setTimeout(() => resolve("later"), impatience);
  });
  try {
    return await Promise.race([asked, later]);
  } finally {
    clearTimeout(timer);
    asked.catch(() => undefined);
  }
}
