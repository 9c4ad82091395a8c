// Several logs as one, by time; the lines of each stay in their order, whatever the clock did.
import type { LogRecord } from "./records.js";

/** A line, and the log that it is in. */
export interface Labelled {
  readonly label: string;
  readonly record: LogRecord;
}

export interface Stream {
  readonly label: string;
  readonly records: AsyncIterable<readonly LogRecord[]>;
}

/** A stream of lines that are there already. */
export async function* inHand(records: readonly LogRecord[]): AsyncGenerator<readonly LogRecord[]> {
  yield records;
}

/** Lines of one stream that were read ahead. */
class Head {
  readonly label: string;
  readonly #source: AsyncIterator<readonly LogRecord[]>;
  #records: readonly LogRecord[] = [];
  #next = 0;

  constructor({ label, records }: Stream) {
    this.label = label;
    this.#source = records[Symbol.asyncIterator]();
  }

  get record(): LogRecord | undefined {
    return this.#records[this.#next];
  }

  /** A line without a time comes before all that have one. */
  get time(): number {
    return this.record?.time ?? Number.NEGATIVE_INFINITY;
  }

  /** Takes the lines up to a time, as far as they were read. */
  takeUntil(time: number): LogRecord[] {
    const from = this.#next;
    do this.#next += 1;
    while (this.record !== undefined && this.time <= time);
    return this.#records.slice(from, this.#next);
  }

  /** Whether there is a line. */
  async fill(): Promise<boolean> {
    while (this.record === undefined) {
      const { done, value } = await this.#source.next();
      if (done === true) return false;
      this.#records = value;
      this.#next = 0;
    }
    return true;
  }
}

/** The lines of all streams, some at a time. */
export async function* mergeByTime(streams: readonly Stream[]): AsyncGenerator<Labelled[]> {
  let heads: Head[] = [];
  for (const stream of streams) {
    const head = new Head(stream);
    if (await head.fill()) heads.push(head);
  }
  while (heads.length > 0) {
    const [first, then] = earliest(heads);
    // A whole run is taken at once: logs are seldom interleaved line by line.
    yield first.takeUntil(then).map((record) => ({ label: first.label, record }));
    if (!(await first.fill())) heads = heads.filter((head) => head !== first);
  }
}

/** The stream whose line comes next, and the time of the next line of another one. */
function earliest(heads: readonly Head[]): readonly [first: Head, then: number] {
  let [first] = heads as readonly [Head, ...Head[]];
  let then = Number.POSITIVE_INFINITY;
  for (const head of heads.slice(1)) {
    if (head.time < first.time) {
      then = first.time;
      first = head;
    } else then = Math.min(then, head.time);
  }
  return [first, then];
}
