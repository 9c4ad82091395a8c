// The supervisor as we ask it: over its control socket, as herd does, through however many daemons it takes.

import { randomUUID } from "node:crypto";
import { asItIs, commandOf } from "../herd/command.js";
import { exchange } from "../herd/connection.js";
import { ConnectionError } from "../herd/connection-error.js";
import { converse } from "../herd/conversation.js";
import { commandErrorText } from "../herd/report.js";
import { isRoot } from "../herd/views/view.js";
import { encodeCommand, ProtocolError, type Reply } from "../protocol/messages.js";
import { decodeOnlyService, decodeServices, type ServiceStatus } from "../protocol/service-status.js";
import { isList, type Sexp } from "../protocol/sexp.js";
import type { Order, OrderReply } from "./views.js";

/** How long, in ms, a question may be without an answer: a daemon that was killed is back much sooner. */
const silentFor = 5000;
/** Lines of an order that are shown. */
const mostLines = 200;

/** Why there is no answer, in words for the user. */
export class NoAnswer extends Error {
  override readonly name = "NoAnswer";
}

export class Supervisor {
  readonly #socket: string;

  /** @param socket the control socket */
  constructor(socket: string) {
    this.#socket = socket;
  }

  /** What `herd status` asks for. Throws NoAnswer. */
  async services(): Promise<readonly ServiceStatus[]> {
    return decoded(await this.#ask("status", "root", []), decodeServices);
  }

  /**
   * What `herd status NAME` asks for; undefined where there is no such service, or it is the supervisor itself, whose status
   * is that of all. Throws NoAnswer.
   */
  async service(name: string): Promise<ServiceStatus | undefined> {
    if (isRoot(name)) return undefined;
    const reply = await this.#ask("status", name, []);
    if (reply.error?.kind === "service-not-found") return undefined;
    return decoded(reply, (result) => {
      const service = decodeOnlyService(result);
      if (service === undefined) throw new ProtocolError(`it holds no status of ${name}`);
      return service;
    });
  }

  /** Where the lines of services are. Throws NoAnswer. */
  logSources(names: readonly string[]): Promise<Reply> {
    return this.#ask("log-sources", "root", names);
  }

  /** Asks for next to nothing, which every daemon that is at work answers. Throws NoAnswer. */
  async answers(): Promise<void> {
    await this.#ask("request-outcome", "root", [randomUUID()]);
  }

  /** Carries out an order, once, and through the daemon's death as herd does. Never throws. */
  async perform(order: Order, service: string): Promise<OrderReply> {
    const messages: string[] = [];
    const hear = (line: string): void => {
      if (messages.length < mostLines) messages.push(line);
    };
    try {
      const command = commandOf(order, service, [], "/", randomUUID());
      const options = { ending: false, cleanse: asItIs, message: hear, tell: hear } as const;
      const reply = await converse(command, options, this.#socket);
      for (const line of reply?.messages ?? []) hear(line);
      if (reply?.error !== undefined) hear(commandErrorText(reply.error));
      return { ok: reply !== undefined && reply.error === undefined && hasSucceeded(reply), messages };
    } catch (error) {
      return { ok: false, messages: [...messages, reasonFor(error)] };
    }
  }

  async #ask(action: string, service: string, args: readonly string[]): Promise<Reply> {
    try {
      const command = encodeCommand(commandOf(action, service, args, "/", randomUUID()));
      const reply = await exchange(this.#socket, command, {
        cleanse: asItIs,
        onMessage: () => undefined,
        silentFor,
      });
      if (reply !== undefined) return reply;
    } catch (error) {
      throw new NoAnswer(reasonFor(error));
    }
    throw new NoAnswer("the supervisor went away before it had answered");
  }
}

/** A start that fails, and a restart, tell it by their result. */
function hasSucceeded({ result }: Reply): boolean {
  return result !== false && !(isList(result) && result[0] === false);
}

function decoded<T>({ error, result }: Reply, decode: (result: Sexp) => T): T {
  if (error !== undefined) throw new NoAnswer(commandErrorText(error));
  try {
    return decode(result);
  } catch (failure) {
    throw new NoAnswer(reasonFor(failure));
  }
}

/** Of an error that is no fault of ours; any other is thrown on. */
function reasonFor(error: unknown): string {
  if (error instanceof ConnectionError || error instanceof ProtocolError) return error.message;
  throw error;
}
