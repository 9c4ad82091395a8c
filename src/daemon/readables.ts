// Which descriptors the keeper watches for us, and what is done when one is readable. Such an event stays with the keeper
// until it is acknowledged, which watches on: whoever handles it does that in the step that makes use of it, so that a
// daemon which dies before has lost nothing.

import type { KeeperEvent, Name, Request } from "./keeper/types.js";
import type { Outbox } from "./outbox.js";

export class Readables {
  readonly #outbox: Outbox;
  readonly #report: (message: string) => void;
  readonly #handlers = new Map<Name, () => void>();
  /** Events that nobody has acknowledged yet: their numbers. */
  readonly #pending = new Map<Name, bigint>();

  constructor(outbox: Outbox, report: (message: string) => void) {
    this.#outbox = outbox;
    this.#report = report;
  }

  /** Has `onReadable` called when the descriptor is readable, and not again before that was acknowledged. */
  watch(name: Name, onReadable: () => void): void {
    const isWatched = this.#handlers.has(name);
    this.#handlers.set(name, onReadable);
    if (isWatched) return;
    this.#outbox.tell(this.#report, { op: "watch", name, on: true });
  }

  /** What has become readable unhandled is so again for the next watch. A descriptor that is closed is no error. */
  unwatch(name: Name): void {
    this.#pending.delete(name);
    if (!this.#handlers.delete(name)) return;
    this.#off(name);
  }

  /** Does the same to the watch that there is now; another one that was begun meanwhile stays. */
  withdrawal(name: Name): () => void {
    const handler = this.#handlers.get(name);
    return () => {
      if (this.#handlers.get(name) === handler) this.unwatch(name);
    };
  }

  /** The acknowledgement of the event that is pending, for the caller to send; none where it was taken back. */
  acknowledgement(name: Name): readonly Request[] {
    const event = this.#pending.get(name);
    this.#pending.delete(name);
    return event === undefined ? [] : [{ op: "acknowledge", event }];
  }

  handleEvent(event: KeeperEvent): boolean {
    if (event.type !== "readable") return false;
    const handler = this.#handlers.get(event.name);
    if (handler === undefined) {
      // On its way when the watch was taken back, or of nobody any more.
      this.#off(event.name);
      return true;
    }
    this.#pending.set(event.name, event.event);
    handler();
    return true;
  }

  #off(name: Name): void {
    this.#outbox
      .post({ op: "watch", name, on: false })
      .catch((error: unknown) => this.#report(String(error)));
  }
}
