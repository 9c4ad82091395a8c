// Who asked: one request of a client (or of the daemon itself), and the lines that go back to that client only.
// Whatever runs for a request, user code included, finds it in an AsyncLocalStorage.

import { AsyncLocalStorage } from "node:async_hooks";
import type { Sexp } from "../protocol/sexp.js";

/** Lines kept for a version-0 reply, which carries them all at its end. */
const messageCap = 10_000;

export class Request {
  /**
   * One-shot services that have run for this request: each runs once, however many services need it. After a crash of the
   * supervisor others too, whose start has come to its end for the same requests.
   */
  readonly oneShots = new Map<string, Promise<boolean>>();
  readonly messages: string[] = [];
  /** The client's working directory: relative file names are meant from there. */
  readonly directory: string | undefined;
  /** The command's arguments as they were sent, where a client asked. */
  readonly arguments: readonly Sexp[] | undefined;
  readonly #log: (line: string) => void;
  readonly #stream: ((line: string) => void) | undefined;

  /**
   * @param log where every line goes as well
   * @param stream gets each line at once; without it they are kept in `messages`
   */
  constructor(
    log: (line: string) => void,
    stream?: (line: string) => void,
    directory?: string,
    args?: readonly Sexp[],
  ) {
    this.arguments = args;
    this.#log = log;
    this.#stream = stream;
    this.directory = directory;
  }

  /** Tells the client, and the log, one or more lines. */
  say(text: string): void {
    for (const line of text.split("\n")) this.#log(line);
    this.tell(text);
  }

  /** Tells the client alone, as with what came out of the log in the first place. */
  tell(text: string): void {
    for (const line of text.split("\n")) {
      if (this.#stream !== undefined) this.#stream(line);
      else if (this.messages.length < messageCap) this.messages.push(line);
      else if (this.messages.length === messageCap) this.messages.push("(more lines than a reply can hold)");
    }
  }
}

const storage = new AsyncLocalStorage<Request>();

/** Runs `body` for `request`. */
export function runFor<T>(request: Request, body: () => T): T {
  return storage.run(request, body);
}

/** The request on whose behalf the caller runs, if any. */
export function currentRequest(): Request | undefined {
  return storage.getStore();
}

/** Makes console.log and its kin speak to the client on whose behalf they are called, else to `log`. */
export function captureConsole(format: (...args: unknown[]) => string, log: (line: string) => void): void {
  const say = (...args: unknown[]): void => {
    const text = format(...args);
    const request = currentRequest();
    if (request === undefined) log(text);
    else request.say(text);
  };
  Object.assign(console, { log: say, info: say, warn: say, error: say, debug: say, trace: say });
}
