// The running supervisor, asked over its control socket as herd asks it.

import { ConnectionError } from "../herd/connection.js";
import { converse, requestId } from "../herd/conversation.js";
import { commandErrorText } from "../herd/report.js";
import { ProtocolError, type Reply } from "../protocol/messages.js";
import { decodeServices, type ServiceStatus } from "../protocol/service-status.js";
import { isList, type Sexp, sym } from "../protocol/sexp.js";
import { CommandError } from "./error.js";

/** What the supervisor could not do, or why it cannot be asked. The message is complete. */
export class SupervisorError extends CommandError {
  override readonly name = "SupervisorError";
}

export interface SupervisorOptions {
  /** The control socket. */
  readonly socket: string;
  /** Takes what the supervisor says meanwhile. */
  readonly say: (line: string) => void;
}

export class Supervisor {
  readonly #options: SupervisorOptions;

  constructor(options: SupervisorOptions) {
    this.#options = options;
  }

  /** All services, `root` too. Throws SupervisorError. */
  async status(): Promise<readonly ServiceStatus[]> {
    const { result } = await this.#ask("status", "root");
    try {
      return decodeServices(result);
    } catch (error) {
      if (error instanceof ProtocolError) throw new SupervisorError(error.message);
      throw error;
    }
  }

  /** Stops a service and what depends on it, and forgets it. Throws SupervisorError. */
  async unload(name: string): Promise<void> {
    await this.#succeed("unload", "root", [name]);
  }

  /** Puts a module into force. Throws SupervisorError, and nothing has changed then. */
  async load(file: string): Promise<void> {
    await this.#succeed("load", "root", [file]);
  }

  /** Starts a service with what it requires. Throws SupervisorError. */
  async start(name: string): Promise<void> {
    await this.#succeed("start", name);
  }

  async #succeed(action: string, service: string, args: readonly Sexp[] = []): Promise<void> {
    const { result, messages } = await this.#ask(action, service, args);
    for (const line of messages) this.#options.say(line);
    const isFailure = isList(result) ? result.includes(false) : result === false;
    if (isFailure) throw new SupervisorError(`failed to ${action} service ${service}`);
  }

  async #ask(action: string, service: string, args: readonly Sexp[] = []): Promise<Reply> {
    const { socket, say } = this.#options;
    const command = {
      action: sym(action),
      service: sym(service),
      arguments: args,
      directory: "/",
      stream: true,
      id: requestId(),
    };
    let reply: Reply | undefined;
    try {
      const cleanse = (expression: Sexp): Sexp => expression;
      reply = await converse(command, { ending: false, cleanse, message: say, tell: say }, socket);
    } catch (error) {
      if (error instanceof ConnectionError)
        throw new SupervisorError(
          `cannot reach the supervisor, which must run, at the socket that --socket names: ${error.message}`,
        );
      if (error instanceof ProtocolError) throw new SupervisorError(error.message);
      throw error;
    }
    if (reply === undefined) throw new SupervisorError("the supervisor ended without an answer");
    if (reply.error !== undefined) throw new SupervisorError(commandErrorText(reply.error));
    return reply;
  }
}
