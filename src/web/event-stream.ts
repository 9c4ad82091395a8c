// A stream of server-sent events to one page: what it does not read in time ends it, and the page connects again.

import type { ServerResponse } from "node:http";

/** Bytes that wait for a page to read them: room for what ten thousand services have to tell, and more. */
const mostWaiting = 32 * 1024 * 1024;
/** How often, in ms, something is sent, so that a connection that is gone is found out. */
const aliveEvery = 15_000;

/** In ms: after a connection that is lost, as we may just be restarted; and after one that has nothing more to tell. */
const soon = 1000;
const againAfter = 5000;

export class EventStream {
  readonly #response: ServerResponse;
  readonly #alive: NodeJS.Timeout;

  /** @param closed called once, when the page has gone or is too slow */
  constructor(response: ServerResponse, closed: () => void) {
    this.#response = response;
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    response.write(`retry: ${soon}\n\n`);
    this.#alive = setInterval(() => this.#write(":\n\n"), aliveEvery);
    response.once("close", () => {
      clearInterval(this.#alive);
      closed();
    });
  }

  get isOpen(): boolean {
    return !this.#response.destroyed && !this.#response.writableEnded;
  }

  /** JSON has no line ends. */
  send(event: unknown): void {
    this.#write(`data: ${JSON.stringify(event)}\n\n`);
  }

  /** Nothing more comes for now: the page asks again in a while. */
  end(): void {
    this.#write(`retry: ${againAfter}\n\n`);
    this.#response.end();
  }

  #write(text: string): void {
    if (!this.isOpen) return;
    this.#response.write(text);
    if (this.#response.writableLength > mostWaiting) this.#response.destroy();
  }
}
