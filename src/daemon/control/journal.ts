// What became of the requests that change something, as notes of the keeper: a client whose daemon died before it could
// reply learns from the next daemon whether its request was begun, and gets the reply of one that was carried out.
//
// The note "begun" is posted before the request is carried out, and so reaches the keeper before, or in one step with,
// its first effect; the note with the reply is there before the client can have the reply.

import type { RequestOutcome } from "../../protocol/messages.js";
import type { Inventory } from "../keeper/types.js";
import { decodeNote, encodeNote, NewerNotesError } from "../notes-format.js";
import type { Outbox } from "../outbox.js";

interface Entry {
  /** Seconds since the epoch. */
  readonly begun: number;
  /** Whether it may be carried out again where a daemon died meanwhile. */
  readonly repeatable: boolean;
  /** What the client gets, encoded; until then the request is under way, or was when its daemon died. */
  readonly reply?: string;
}

const prefix = "request/";
/** Requests that nothing here works on: replies that were not read, and what earlier daemons left. */
const capacity = 256;

export class Journal {
  readonly #outbox: Outbox;
  readonly #report: (message: string) => void;
  /** Oldest first. */
  readonly #entries = new Map<string, Entry>();
  readonly #underWay = new Map<string, Promise<string>>();

  constructor(outbox: Outbox, found: Inventory["notes"], report: (message: string) => void) {
    this.#outbox = outbox;
    this.#report = report;
    const left: (readonly [id: string, entry: Entry])[] = [];
    for (const [key, bytes] of found)
      if (key.startsWith(prefix)) left.push([key.slice(prefix.length), this.#decode(key, bytes)]);
    left.sort(([, one], [, other]) => one.begun - other.begun);
    for (const [id, entry] of left) this.#entries.set(id, entry);
  }

  outcome(id: string): RequestOutcome {
    // Whoever asks again for what is under way shares its reply.
    if (this.#underWay.has(id)) return "resumable";
    const entry = this.#entries.get(id);
    if (entry === undefined) return "unknown";
    if (entry.reply !== undefined) return "done";
    return entry.repeatable ? "resumable" : "begun";
  }

  /** The reply to a request that was carried out, or is being. */
  reply(id: string): string | Promise<string> | undefined {
    return this.#underWay.get(id) ?? this.#entries.get(id)?.reply;
  }

  /** When an earlier daemon began the request. */
  begun(id: string): number | undefined {
    return this.#entries.get(id)?.begun;
  }

  /**
   * Notes a request, has it carried out, and notes the reply that `work` gives, to be kept; resolves with it once no
   * crash can undo either.
   */
  carryOut(id: string, repeatable: boolean, work: () => Promise<string>): Promise<string> {
    const entry: Entry = { begun: this.begun(id) ?? Date.now() / 1000, repeatable };
    this.#note(id, entry);
    const done = work()
      .then(async (reply) => {
        this.#note(id, { ...entry, reply });
        await this.#outbox.settled();
        return reply;
      })
      .finally(() => {
        this.#underWay.delete(id);
        this.#trim();
      });
    this.#underWay.set(id, done);
    return done;
  }

  /** The client has its reply. */
  forget(id: string): void {
    if (this.#entries.delete(id)) this.#outbox.tell(this.#report, { op: "delete-note", key: prefix + id });
  }

  #note(id: string, entry: Entry): void {
    this.#entries.delete(id);
    this.#entries.set(id, entry);
    this.#outbox.tell(this.#report, { op: "put-note", key: prefix + id, value: encodeNote(entry) });
  }

  /** A client that never came back for its reply must not be remembered for ever. */
  #trim(): void {
    const settled = [...this.#entries.keys()].filter((id) => !this.#underWay.has(id));
    for (const id of settled.slice(0, Math.max(0, settled.length - capacity))) this.forget(id);
  }

  /** What cannot be read was begun, as far as we know. */
  #decode(key: string, bytes: Uint8Array): Entry {
    try {
      const entry = decodeNote(key, bytes);
      if (isEntry(entry)) return entry;
      this.#report(`the note "${key}" is not that of a request`);
    } catch (error) {
      if (error instanceof NewerNotesError) throw error;
      this.#report(`the note "${key}" cannot be read: ${String(error)}`);
    }
    return { begun: 0, repeatable: false };
  }
}

function isEntry(value: unknown): value is Entry {
  const { begun, repeatable, reply } = (value ?? {}) as Readonly<Record<string, unknown>>;
  return (
    typeof begun === "number" &&
    typeof repeatable === "boolean" &&
    (reply === undefined || typeof reply === "string")
  );
}
