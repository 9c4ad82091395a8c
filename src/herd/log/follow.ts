// `herd log --follow`: goes on with the lines that come, until it is interrupted, nobody reads it, or there is nothing left
// to follow. The daemon may die and come back meanwhile; now and then it is asked whether the logs are others by now.
import { setImmediate as turn } from "node:timers/promises";
import { decodeLogSources, type LogSources } from "../../protocol/log-sources.js";
import type { Reply } from "../../protocol/messages.js";
import { display } from "../render/exception.js";
import { reasonOf } from "../system-error.js";
import { Follower } from "./follower.js";
import { type Filter, History, type Track } from "./history.js";
import { inHand, mergeByTime } from "./merge.js";
import type { Printer } from "./printer.js";
import { tracksOf } from "./tracks.js";
import { Waker } from "./waker.js";

/** How often, in ms, the daemon is asked for the sources: a service may be new, unloaded, or have another file. */
const askEvery = 2000;

export interface FollowOptions {
  /** What was read so far. */
  readonly histories: readonly (readonly [Track, History])[];
  readonly filter: Filter;
  readonly interrupted: AbortSignal;
  readonly printer: Printer;
  readonly onProblem: (text: string) => void;
  readonly onNotice: (text: string) => void;
  /** The services; none: all of them. */
  readonly names: readonly string[];
  readonly askSources: (names: readonly string[]) => Promise<Reply | undefined>;
}

export async function follow(options: FollowOptions): Promise<void> {
  const following = new Following(options);
  try {
    await following.run();
  } finally {
    following.close();
  }
}

class Following {
  readonly #options: FollowOptions;
  readonly #waker = new Waker();
  #followers: Follower[] = [];
  #names: readonly string[];
  /** Answers of the daemon, to be acted on when it is their turn. */
  #answer: Reply | undefined;
  #asked = performance.now();
  #isAsking = false;
  /** Seconds since the epoch; what comes into new files is shown from here on. */
  #lastAnswer = Math.floor(Date.now() / 1000);

  constructor(options: FollowOptions) {
    this.#options = options;
    this.#names = options.names;
    for (const [track, history] of options.histories) this.#add(track, history);
    options.interrupted.addEventListener("abort", () => this.#waker.happened());
  }

  async run(): Promise<void> {
    const { interrupted, printer } = this.#options;
    while (!interrupted.aborted && printer.isWanted && this.#followers.length > 0) {
      this.#ask();
      const more = await this.#readAll();
      if (this.#answer !== undefined) await this.#learn(this.#answer);
      if (more) await turn();
      else await this.#waker.wait();
    }
  }

  close(): void {
    this.#waker.close();
  }

  #add(track: Track, history: History): void {
    const { filter, onProblem } = this.#options;
    this.#followers.push(new Follower(track, history.continuation(), { filter, onProblem }));
    this.#waker.add(track.path);
  }

  /** Whether there may be more at once. */
  async #readAll(): Promise<boolean> {
    let more = false;
    const streams = [];
    for (const follower of this.#followers) {
      const progress = await this.#read(follower);
      more ||= progress.more;
      if (progress.records.length > 0)
        streams.push({ label: follower.track.label, records: inHand(progress.records) });
    }
    for await (const batch of mergeByTime(streams)) this.#options.printer.print(batch);
    return more;
  }

  async #read(follower: Follower): ReturnType<Follower["read"]> {
    try {
      return await follower.read();
    } catch (error) {
      this.#drop([follower]);
      this.#options.onProblem(`cannot follow ${follower.track.path}: ${reasonOf(error)}`);
      return { records: [], more: false };
    }
  }

  #drop(gone: readonly Follower[]): void {
    this.#followers = this.#followers.filter((one) => !gone.includes(one));
    for (const one of gone) one.close();
  }

  /** Nothing waits for the answer, or minds if there is none: the daemon may be dead. */
  #ask(): void {
    const now = performance.now();
    if (this.#isAsking || now < this.#asked + askEvery) return;
    this.#asked = now;
    this.#isAsking = true;
    const settle = (reply: Reply | undefined): void => {
      this.#isAsking = false;
      this.#answer = reply;
    };
    this.#options.askSources(this.#names).then(settle, () => settle(undefined));
  }

  async #learn(reply: Reply): Promise<void> {
    this.#answer = undefined;
    if (reply.error?.kind === "service-not-found") {
      this.#forget(display(reply.error.service));
      return;
    }
    const sources = reply.error === undefined ? decodeLogSources(reply.result) : undefined;
    if (sources === undefined) return;
    const since = this.#lastAnswer;
    this.#lastAnswer = Math.floor(Date.now() / 1000);
    await this.#addNew(sources, since);
  }

  #forget(name: string): void {
    this.#names = this.#names.filter((one) => one !== name);
    const gone = this.#followers.filter(({ track }) => track.label === name);
    this.#drop(gone);
    this.#options.onNotice(`service '${name}' is not there any more: its log ends here`);
    // The next one may be gone, too.
    this.#asked = Number.NEGATIVE_INFINITY;
  }

  async #addNew({ services }: LogSources, since: number): Promise<void> {
    const { filter, onProblem, printer } = this.#options;
    const known = new Set(this.#followers.map(({ track }) => track.path));
    for (const track of tracksOf(services, this.#names.length === 0, known).tracks) {
      const opening = History.open(track, { filter: { ...filter, since }, follow: true, onProblem });
      const history = await opening.catch((error: unknown) => {
        onProblem(`cannot follow ${track.path}: ${reasonOf(error)}`);
      });
      if (history === undefined) continue;
      for await (const records of history.records())
        printer.print(records.map((record) => ({ label: track.label, record })));
      this.#add(track, history);
    }
  }
}
