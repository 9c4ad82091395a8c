// A connection that carries one exchange at a time: what arrives runs the decoder of the answer that is awaited, and
// whatever goes wrong ends the connection once, with a reason that every later exchange is told.

import { StoreConnectionError, StoreProtocolError, WireError } from "./errors.js";
import type { Connected } from "./transport/connect.js";
import type { Decoder, Wait } from "./wire/decode.js";
import { Input } from "./wire/input.js";

/** An answer that is awaited. */
export interface Exchange<T> {
  /** What is asked, for messages. */
  readonly subject: string;
  readonly decoder: Decoder<T>;
  /** Whether the daemon may take as long as it likes. */
  readonly patient: boolean;
  /** Called once, one of both; another exchange may begin from within. */
  succeed(value: T): void;
  fail(error: unknown): void;
}

/** Why there is no connection any more. */
export interface Ending {
  readonly text: string;
  readonly code: string;
  readonly cause?: unknown;
}

/** How often it is looked, in the time that a daemon may be silent, whether it is. */
const looks = 8;

export class Link {
  readonly input: Input;
  readonly #connected: Connected;
  /** Seconds without a byte from the daemon after which an exchange has failed. */
  readonly #idleTimeout: number;
  #current: Exchange<unknown> | undefined;
  /** How many bytes had arrived when the exchange began. */
  #received = 0;
  #receivedBefore = 0;
  /** Whether the decoder waits for something else than bytes. */
  #suspended = false;
  readonly #watch: NodeJS.Timeout;
  /** Whether the daemon has done something since the last look, and how many looks ago it did. */
  #active = false;
  #looks = 0;
  /** The daemon's last answer, if that was an error: it closes the connection after some. */
  #lastError: StoreProtocolError | undefined;
  #ending: Ending | undefined;
  #closed: Promise<void> | undefined;
  #whenEnded: (() => void) | undefined;

  /** @param idleTimeout seconds */
  constructor(connected: Connected, idleTimeout: number) {
    this.#connected = connected;
    this.#idleTimeout = idleTimeout;
    // The channel is what keeps the program alive.
    this.#watch = setInterval(() => this.#look(), (idleTimeout * 1000) / looks).unref();
    this.input = new Input(connected.peer);
    connected.channel.receive({
      data: (memory, length) => this.#onData(memory, length),
      end: (error) => this.#onEnd(error),
    });
  }

  get file(): string {
    return this.#connected.file;
  }

  get peer(): string {
    return this.#connected.peer;
  }

  get ended(): boolean {
    return this.#ending !== undefined;
  }

  /** Why there is no connection any more, as an error. */
  endError(): StoreConnectionError {
    const { text, code, cause } = this.#ending ?? { text: "the connection is open", code: "EPROTO" };
    return new StoreConnectionError(`${this.peer}: ${text}`, { file: this.file, code, cause });
  }

  send(data: Uint8Array): Wait {
    return this.#connected.channel.write(data);
  }

  /** There must be no other, and the connection must be open. */
  begin<T>(exchange: Exchange<T>): void {
    this.#current = exchange as Exchange<unknown>;
    this.#receivedBefore = this.#received;
    this.touch();
  }

  /** The daemon does something: its time begins anew. */
  touch(): void {
    this.#active = true;
  }

  /** Runs the current decoder until it needs more; for one that has to send before anything can arrive. */
  start(): void {
    if (this.#current !== undefined) this.#advance(this.#current, "next");
  }

  /** Ends the connection. The current exchange fails with `error`, if that is given, and else with the ending. */
  end(ending: Ending, error?: unknown): void {
    if (this.#ending !== undefined) return;
    this.#ending = ending;
    clearInterval(this.#watch);
    this.#closed = this.#connected.channel.close();
    this.#whenEnded?.();
    const current = this.#current;
    this.#current = undefined;
    current?.fail(error ?? this.endError());
  }

  /** Calls `listener`, one only, when the connection ends. */
  whenEnded(listener: () => void): void {
    this.#whenEnded = listener;
    if (this.ended) listener();
  }

  /** Fulfilled when nothing is left of the connection. */
  close(): Promise<void> {
    this.end({ text: "the connection is closed", code: "EBADF" });
    return this.#closed ?? Promise.resolve();
  }

  #onData(memory: Buffer, length: number): void {
    this.#received += length;
    this.input.push(memory, length);
    const current = this.#current;
    if (current === undefined) this.#onUnasked();
    else if (!this.#suspended) this.#advance(current, "next");
    this.touch();
    this.input.keep();
  }

  #onUnasked(): void {
    if (this.#ending !== undefined) return;
    // Some daemons send such an error twice before they close.
    if (this.#lastError !== undefined) this.#endByDaemon();
    else this.end({ text: "the daemon sent something that nobody had asked for", code: "EPROTO" });
  }

  #onEnd(error: NodeJS.ErrnoException | undefined): void {
    if (this.#ending !== undefined) return;
    this.input.end();
    const current = this.#current;
    if (current === undefined || this.#received === this.#receivedBefore) this.#endByDaemon(error);
    else if (!this.#suspended) this.#advance(current, "next");
  }

  #endByDaemon(error?: NodeJS.ErrnoException): void {
    const said = this.#connected.channel.explain();
    const because = this.#lastError === undefined ? "" : ` after its error: ${this.#lastError.message}`;
    this.end({
      text: `the daemon closed the connection${because}${said === undefined ? "" : ` (${said})`}`,
      code: error?.code ?? "ECONNRESET",
      cause: this.#lastError ?? error,
    });
  }

  /** A timer for each request would cost more than all else that is done for one. */
  #look(): void {
    this.#looks = this.#active ? 0 : this.#looks + 1;
    this.#active = false;
    const current = this.#current;
    if (this.#looks < looks || current === undefined || current.patient || this.#suspended) return;
    const text = `no answer to ${current.subject} for ${this.#idleTimeout} seconds`;
    this.end({ text, code: "ETIMEDOUT" });
  }

  /** Runs the decoder, with what it waited for: that there are more bytes, or that something is done, or has failed. */
  #advance(current: Exchange<unknown>, how: "next" | "throw", failure?: unknown): void {
    let step: IteratorResult<Wait, unknown>;
    try {
      step = how === "next" ? current.decoder.next() : current.decoder.throw(failure);
    } catch (error) {
      this.#fail(current, error);
      return;
    }
    if (step.done === true) this.#succeed(current, step.value);
    else if (step.value !== undefined) this.#suspend(current, step.value);
  }

  #suspend(current: Exchange<unknown>, until: PromiseLike<unknown>): void {
    this.#suspended = true;
    this.#connected.channel.pause();
    const resume = (how: "next" | "throw", failure?: unknown): void => {
      if (this.#current !== current) return;
      this.#suspended = false;
      this.touch();
      this.#connected.channel.resume();
      this.#advance(current, how, failure);
    };
    Promise.resolve(until).then(
      () => resume("next"),
      (failure: unknown) => resume("throw", failure),
    );
  }

  #succeed(current: Exchange<unknown>, value: unknown): void {
    this.#current = undefined;
    this.#lastError = undefined;
    if (this.input.available > 0) this.#onUnasked();
    current.succeed(value);
  }

  #fail(current: Exchange<unknown>, error: unknown): void {
    if (!(error instanceof StoreProtocolError) || error instanceof WireError) {
      const text =
        error instanceof WireError
          ? "the connection was closed, since what the daemon sent was not its protocol"
          : `the connection was closed, since ${current.subject} failed half-way`;
      this.end({ text, code: "EPROTO", cause: error }, error);
      return;
    }
    this.#current = undefined;
    this.#lastError = error;
    if (this.input.available > 0) this.#onUnasked();
    current.fail(error);
  }
}
