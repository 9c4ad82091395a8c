// Mistakes that a daemon could make, seeded into what it sends: the torture must see each of them.

import type { Frame, Item } from "../../src/daemon/keeper/frame.js";

export const faultNames = ["spawn-before-note", "dropped-acknowledgement", "log-consumed-early"] as const;
export type FaultName = (typeof faultNames)[number];

/** What becomes of one frame. */
export interface Altered {
  readonly now: Frame;
  /** Leaves in a later turn, before all that is written after it. */
  readonly later?: Frame;
}

/** Between daemon and keeper; neither must notice that it is there. */
export interface Fault {
  outgoing(frame: Frame): Altered;
  /** A result frame as the daemon expects it; undefined while a part of it is missing. */
  incoming(frame: Frame): Frame | undefined;
}

const type = { spawn: 2, putNote: 16, acknowledge: 20, configure: 21 } as const;
const partOf = { notes: 0x8000_0000, others: 0x4000_0000 } as const;
const bothParts = partOf.notes | partOf.others;

/** A child exists before the note that explains it. */
class SpawnBeforeNote implements Fault {
  /** Of each frame that was split: where its notes were, and the results that have come. */
  readonly #split = new Map<number, { readonly isNote: readonly boolean[]; parts: Map<number, Frame> }>();

  outgoing(frame: Frame): Altered {
    const { items, tag } = frame;
    const isNote = items.map((item) => item.type === type.putNote);
    if (!isNote.includes(true) || !items.some((item) => item.type === type.spawn)) return { now: frame };
    this.#split.set(tag, { isNote, parts: new Map() });
    const part = (mask: number, notes: boolean): Frame => ({
      ...frame,
      tag: (tag | mask) >>> 0,
      items: items.filter((_, index) => isNote[index] === notes),
    });
    return { now: part(partOf.others, false), later: part(partOf.notes, true) };
  }

  incoming(frame: Frame): Frame | undefined {
    const mask = (frame.tag & bothParts) >>> 0;
    if (mask === 0) return frame;
    const tag = (frame.tag & ~bothParts) >>> 0;
    const split = this.#split.get(tag);
    if (split === undefined) throw new Error(`merge results of frame ${tag}: it was never split`);
    split.parts.set(mask, frame);
    const [notes, others] = [split.parts.get(partOf.notes), split.parts.get(partOf.others)];
    if (notes === undefined || others === undefined) return undefined;
    this.#split.delete(tag);
    const [ofNotes, ofOthers] = [notes.items.values(), others.items.values()];
    const items = split.isNote.map((isNote): Item => (isNote ? ofNotes : ofOthers).next().value as Item);
    return { ...frame, tag, items };
  }
}

/** The end of a child is handled, and the keeper is not told so. */
class DroppedAcknowledgement implements Fault {
  readonly #isEnd: (item: Item) => boolean;
  /** Of each frame that was altered: which requests were. */
  readonly #altered = new Map<number, readonly boolean[]>();

  constructor(isEnd: (item: Item) => boolean) {
    this.#isEnd = isEnd;
  }

  outgoing(frame: Frame): Altered {
    const dropped = frame.items.map((item) => item.type === type.acknowledge && this.#isEnd(item));
    if (!dropped.includes(true)) return { now: frame };
    this.#altered.set(frame.tag, dropped);
    const items = frame.items.map((item, index) =>
      dropped[index] ? { type: type.configure, fields: Buffer.alloc(0) } : item,
    );
    return { now: { ...frame, items } };
  }

  incoming(frame: Frame): Frame {
    const dropped = this.#altered.get(frame.tag);
    if (dropped === undefined) return frame;
    this.#altered.delete(frame.tag);
    const items = frame.items.map((item, index) =>
      dropped[index] ? { ...item, type: type.acknowledge } : item,
    );
    return { ...frame, items };
  }
}

/** @param isEnd whether an acknowledgement is that of a service's process */
export function faultOf(name: string | undefined, isEnd: (item: Item) => boolean): Fault | undefined {
  switch (name) {
    case "spawn-before-note":
      return new SpawnBeforeNote();
    case "dropped-acknowledgement":
      return new DroppedAcknowledgement(isEnd);
    default:
      return undefined;
  }
}

/** The counterpart of the decoder, for frames that were decoded and altered. */
export function encodeFrame({ kind, flags, tag, items }: Frame): Buffer {
  const version = 1;
  const bodies = items.map(({ type, fields }) => {
    const header = Buffer.alloc(8);
    header.writeUInt32LE(fields.length + 4, 0);
    header.writeUInt16LE(type, 4);
    return Buffer.concat([header, fields]);
  });
  const body = Buffer.concat(bodies);
  const header = Buffer.alloc(12);
  header.writeUInt32LE(body.length + 8, 0);
  header.writeUInt8(version, 4);
  header.writeUInt8(kind, 5);
  header.writeUInt16LE(flags, 6);
  header.writeUInt32LE(tag, 8);
  return Buffer.concat([header, body]);
}
