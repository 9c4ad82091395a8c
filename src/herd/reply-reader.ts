// What a daemon answers, from its bytes: lines, then the reply.
import { decodeServerMessage, ProtocolError, type Reply } from "../protocol/messages.js";
import { type Sexp, SexpError } from "../protocol/sexp.js";
import { SexpReader } from "../protocol/sexp-reader.js";
import { ConnectionError } from "./connection-error.js";

const MAX_REPLY_BYTES = 64 * 1024 * 1024;

export interface ReplyOptions {
  /** Applied to each expression that comes in. */
  readonly cleanse: (expression: Sexp) => Sexp;
  /** Called with each line that is streamed before the reply. */
  readonly onMessage: (line: string) => void;
}

export class ReplyReader {
  readonly #reader = new SexpReader({ maxBytes: MAX_REPLY_BYTES });
  readonly #options: ReplyOptions;
  #isDone = false;

  constructor(options: ReplyOptions) {
    this.#options = options;
  }

  /** The reply, once all of it is there; what follows it is dropped. Throws a ConnectionError. */
  feed(chunk: Uint8Array): Reply | undefined {
    if (this.#isDone) return undefined;
    try {
      this.#reader.feed(chunk);
      for (let next = this.#reader.read(); next !== undefined; next = this.#reader.read()) {
        const message = decodeServerMessage(this.#options.cleanse(next));
        if (message.kind === "reply") {
          this.#isDone = true;
          return message.reply;
        }
        this.#options.onMessage(message.line);
      }
      return undefined;
    } catch (error) {
      if (error instanceof SexpError || error instanceof ProtocolError)
        throw new ConnectionError(`malformed reply from shepherd: ${error.message}`);
      throw error;
    }
  }
}
