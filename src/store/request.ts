// A request and its life: it waits for those before it, is sent, and its answer is decoded.

import { TextDecoder } from "node:util";
import { type BuildOutputPort, emit } from "./build-output.js";
import { hasActivities, type Versions } from "./handshake.js";
import type { Exchange, Link } from "./link.js";
import { type Conversation, converse, isDoneAtOnce, type Sink, type Source } from "./messages.js";
import type { Decoder, Wait } from "./wire/decode.js";
import { Encoder } from "./wire/encoder.js";
import type { Input } from "./wire/input.js";

export interface Request<T> {
  /** What is asked, as messages name it. */
  readonly name: string;
  readonly operation: number;
  /** The store item that it is about, where it is about one. */
  readonly path?: string;
  /** How requests of its kind that wait one behind the other are made as one. */
  readonly together?: Together<T> | undefined;
  /** Adds the arguments. */
  readonly encode?: (encoder: Encoder, versions: Versions) => void;
  /** What is sent after them, in pieces, of which there is at least one. */
  readonly body?: AsyncIterable<Uint8Array>;
  /** Reads the values that follow the messages. */
  readonly decode: (input: Input, versions: Versions) => Decoder<T>;
  /** Whether the daemon may be silent for long: a build, a download, a look at the whole store. */
  readonly long?: boolean;
  readonly source?: Source;
  readonly sink?: Sink;
}

export interface Together<T> {
  /** As many at a time. */
  readonly most: number;
  /** Whether the daemon answers a request in company as it does alone. */
  readonly fits: (request: Request<T>, storeDirectory: string) => boolean;
  /** One for them all, with a value for each. */
  readonly request: (requests: readonly Request<T>[]) => Request<readonly T[]>;
}

/** What a request needs of its connection. */
export interface Surroundings {
  readonly link: Link;
  readonly versions: Versions;
  /** Whether requests that may take long have no limit of silence. */
  readonly patient: boolean;
  /** Called when the next may be sent. */
  done(): void;
}

export class Job<T> implements Exchange<T>, Conversation {
  /** The one that was made after it, and waits for it. */
  next: Job<unknown> | undefined;
  readonly request: Request<T>;
  readonly port: BuildOutputPort | undefined;
  readonly resolve: (value: T) => void;
  readonly reject: (error: unknown) => void;
  readonly #surroundings: Surroundings;
  /** Of the log: a character may be split between two messages. */
  #text: TextDecoder | undefined;
  /** Whether a part of the request is still to be sent. */
  #sending = false;
  #settled = false;
  #decoder: Decoder<T> | undefined;

  constructor(
    request: Request<T>,
    surroundings: Surroundings,
    port: BuildOutputPort | undefined,
    resolve: (value: T) => void,
    reject: (error: unknown) => void,
  ) {
    this.request = request;
    this.#surroundings = surroundings;
    this.port = port;
    this.resolve = resolve;
    this.reject = reject;
  }

  get subject(): string {
    return this.request.name;
  }

  get patient(): boolean {
    return this.request.long === true && this.#surroundings.patient;
  }

  /** Made when something has arrived: most answers have no messages before their values. */
  get decoder(): Decoder<T> {
    this.#decoder ??= isDoneAtOnce(this) ? this.#values() : this.#answer();
    return this.#decoder;
  }

  get input(): Input {
    return this.#surroundings.link.input;
  }

  get activities(): boolean {
    return hasActivities(this.#surroundings.versions);
  }

  get source(): Source | undefined {
    return this.request.source;
  }

  get sink(): Sink | undefined {
    return this.request.sink;
  }

  answer(data: Uint8Array): Wait {
    return this.#surroundings.link.send(new Encoder().bytes(data).done());
  }

  log(text: Uint8Array): Wait {
    this.#text ??= new TextDecoder();
    return emit(this.port, this.#text.decode(text, { stream: true }));
  }

  /** Sends the request, if there is a connection. */
  start(): void {
    const { body } = this.request;
    if (body === undefined) void this.#send((encoded) => encoded);
    else
      this.#sendWith(body).catch((error: unknown) => {
        const text = `the connection was closed, since ${this.subject} could not be sent whole`;
        if (this.#sending) this.#surroundings.link.end({ text, code: "EPROTO", cause: error }, error);
        else this.fail(error);
      });
  }

  /** Sends what `whole` makes of the request's bytes, in one piece; gives what has to be waited for before more. */
  #send(whole: (encoded: Buffer) => Buffer): Wait {
    const { link } = this.#surroundings;
    let data: Buffer;
    try {
      if (link.ended) throw link.endError();
      data = whole(this.#encoded());
    } catch (error) {
      this.fail(error);
      return undefined;
    }
    this.#sending = this.request.body !== undefined;
    link.begin(this);
    return link.send(data);
  }

  /** Begins when there is a first piece of `body`: until then it can fail, and the connection is as it was. */
  async #sendWith(body: AsyncIterable<Uint8Array>): Promise<void> {
    const { link } = this.#surroundings;
    let begun = false;
    for await (const piece of body) {
      await (begun ? link.send(piece) : this.#send((encoded) => Buffer.concat([encoded, piece])));
      begun = true;
      if (!this.#sending) return;
      // The daemon reads, though it says nothing.
      link.touch();
    }
    this.#sending = false;
  }

  succeed(value: T): void {
    if (this.#settled) return;
    this.#settle();
    this.resolve(value);
    this.#surroundings.done();
  }

  fail(error: unknown): void {
    if (this.#settled) return;
    this.#settle();
    this.reject(error);
    this.#surroundings.done();
  }

  #settle(): void {
    this.#settled = true;
    if (!this.#sending) return;
    this.#sending = false;
    const text = `the connection was closed, since the daemon answered ${this.subject} before all was sent`;
    this.#surroundings.link.end({ text, code: "EPROTO" });
  }

  #encoded(): Buffer {
    const { operation, encode } = this.request;
    const encoder = new Encoder().int(operation);
    encode?.(encoder, this.#surroundings.versions);
    return encoder.done();
  }

  *#answer(): Decoder<T> {
    try {
      yield* converse(this);
    } finally {
      // Half of a character, perhaps.
      const wait = emit(this.port, this.#text?.decode() ?? "");
      if (wait !== undefined) yield wait;
    }
    return yield* this.#values();
  }

  #values(): Decoder<T> {
    return this.request.decode(this.input, this.#surroundings.versions);
  }
}
