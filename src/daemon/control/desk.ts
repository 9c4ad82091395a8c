// Where clients' commands are served: each is carried out once, whatever its client's connection and our own life do
// meanwhile, and what it is told has happened is beyond a crash's reach.

import { actionException, type Command, encodeReply, type Reply } from "../../protocol/messages.js";
import { SexpSymbol } from "../../protocol/sexp.js";
import { errorText } from "../error-text.js";
import type { Outbox } from "../outbox.js";
import { Request } from "../request.js";
import { type DispatchContext, plan } from "./dispatch.js";
import type { Journal } from "./journal.js";

/** A reply that is longer, in bytes, is not kept. */
const keptLimit = 8 * 1024;

export class Desk {
  readonly #context: DispatchContext;
  readonly #journal: Journal;
  readonly #outbox: Outbox;
  readonly #takenOver: Promise<void>;

  /** @param takenOver resolves when the services of an earlier daemon are under control */
  constructor(context: DispatchContext, journal: Journal, outbox: Outbox, takenOver: Promise<void>) {
    this.#context = context;
    this.#journal = journal;
    this.#outbox = outbox;
    this.#takenOver = takenOver;
  }

  /** The encoded reply. `tell`, of a client that takes them, gets each line at once. */
  async serve(command: Command, tell: ((line: string) => void) | undefined): Promise<string> {
    const { id } = command;
    const transcript = new Transcript(tell);
    const request = new Request(
      (line) => this.#context.log(line),
      tell === undefined ? undefined : (line) => transcript.add(line),
      command.directory,
      command.arguments,
    );
    // Until then a client can look, and nothing else.
    if (!this.#isLook(command)) await this.#takenOver;
    const work = plan(command, request, this.#context);
    const outcome = id === undefined ? "unknown" : this.#journal.outcome(id);
    if (id === undefined || (outcome === "unknown" && work.effect === "none")) {
      const reply = await work.run();
      await this.#outbox.settled();
      return this.#encode(reply);
    }
    if (outcome === "begun") return this.#encode(failure(command, notRepeated));
    const known = this.#journal.reply(id);
    if (known !== undefined) return known;
    let text = "";
    await this.#journal.carryOut(id, work.effect !== "once", async () => {
      const reply = await work.run(outcome === "resumable" ? this.#journal.begun(id) : undefined);
      text = this.#encode(reply);
      return this.#kept(command, reply, text, transcript);
    });
    return text;
  }

  #isLook({ action, service }: Command): boolean {
    if (!(action instanceof SexpSymbol && service instanceof SexpSymbol)) return false;
    return action.name === "status" && this.#context.registry.find(service.name) !== undefined;
  }

  /** The client can read its reply, whatever becomes of us. */
  served({ id }: Command): void {
    if (id !== undefined) this.#journal.forget(id);
  }

  log(line: string): void {
    this.#context.log(line);
  }

  /** What a client gets that has to ask again: the reply, with all lines where they are not too many. */
  #kept(command: Command, reply: Reply, text: string, { lines, complete }: Transcript): string {
    if (Buffer.byteLength(text) > keptLimit) return this.#encode(failure(command, notKept));
    if (!complete) return text;
    const whole = this.#encode({ ...reply, messages: [...lines, ...reply.messages] });
    return Buffer.byteLength(whole) > keptLimit ? text : whole;
  }

  /** User code can make results that no reply can hold, such as a string of hundreds of megabytes. */
  #encode(reply: Reply): string {
    try {
      return encodeReply(reply);
    } catch (error) {
      this.#context.log(`control socket: cannot encode the reply: ${errorText(error)}`);
      return encodeReply({ result: false, error: { kind: "service-error" }, messages: [] });
    }
  }
}

const notRepeated =
  "the supervisor was restarted while it carried out the request: it was begun, may have been carried out in part, and is not repeated";
const notKept =
  "the supervisor was restarted when it had carried out the request; the reply is lost, since it was too long to be kept";

function failure({ action, service }: Command, text: string): Reply {
  return { result: false, error: actionException(action, service, text), messages: [] };
}

/** What is streamed to a client, up to what can be kept. */
class Transcript {
  readonly lines: string[] = [];
  complete = true;
  readonly #tell: ((line: string) => void) | undefined;
  #size = 0;

  constructor(tell: ((line: string) => void) | undefined) {
    this.#tell = tell;
  }

  add(line: string): void {
    this.#size += line.length;
    if (this.#size > keptLimit) this.complete = false;
    else this.lines.push(line);
    this.#tell?.(line);
  }
}
