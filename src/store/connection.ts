// A connection to a daemon. Its requests are sent one after the other: a daemon takes whatever arrives while it works for
// the end of the connection.

import { fail, show } from "../daemon/definition/check.js";
import { type BuildOutputPort, chosenPort } from "./build-output.js";
import type { Versions } from "./handshake.js";
import type { Link } from "./link.js";
import { Job, type Request, type Surroundings } from "./request.js";

export interface StoreConnectionSettings {
  readonly versions: Versions;
  readonly storeDirectory: string;
  readonly buildOutputPort: BuildOutputPort | undefined;
  /** Whether requests that may take long have no limit of silence. */
  readonly patient: boolean;
}

/** Makes a request: what the public functions do. */
export let perform: <T>(store: StoreConnection, request: Request<T>) => Promise<T>;

/** Throws a DefinitionError that names the function, unless it was given a connection. */
export let checkStore: (store: StoreConnection, name: string) => void;

/** What was added over the connection, and so is there as long as it lives, unless garbage was collected. */
export let addedPaths: (store: StoreConnection) => Set<string>;

/**
 * A connection to a daemon, made by `openConnection`. Requests may be made at any time; each waits for those before it.
 * After an error that the daemon answers with the connection can be used on, unless the daemon closes it, as it does after
 * some: then the next request fails with a StoreConnectionError. All other errors end it.
 */
export class StoreConnection implements AsyncDisposable {
  /** The directory of the store. */
  readonly storeDirectory: string;
  /** What was agreed on with the daemon. */
  readonly versions: Versions;
  readonly #link: Link;
  readonly #buildOutputPort: BuildOutputPort | undefined;
  readonly #surroundings: Surroundings;
  /** The first of those that were made and are not done, and the last. */
  #first: Job<unknown> | undefined;
  #last: Job<unknown> | undefined;
  #started: Job<unknown> | undefined;
  #starting = false;
  readonly #added = new Set<string>();

  /** For `openConnection`. */
  constructor(link: Link, settings: StoreConnectionSettings) {
    this.#link = link;
    this.storeDirectory = settings.storeDirectory;
    this.versions = settings.versions;
    this.#buildOutputPort = settings.buildOutputPort;
    const { versions, patient } = settings;
    this.#surroundings = { link, versions, patient, done: () => this.#done() };
  }

  /** Who is at the other end, for messages. */
  get peer(): string {
    return this.#link.peer;
  }

  /** Whether the connection has ended: by `closeConnection`, by the daemon or by an error. */
  get closed(): boolean {
    return this.#link.ended;
  }

  /** Closes it, as `closeConnection` does. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.#link.close();
  }

  #perform<T>(request: Request<T>): Promise<T> {
    return new Promise((resolve, reject) => {
      const port = this.#buildOutputPort ?? chosenPort();
      const job = new Job(request, this.#surroundings, port, resolve, reject) as unknown as Job<unknown>;
      if (this.#last === undefined) this.#first = job;
      else this.#last.next = job;
      this.#last = job;
      this.#startFirst();
    });
  }

  #done(): void {
    this.#first = this.#first?.next;
    if (this.#first === undefined) this.#last = this.#started = undefined;
    this.#startFirst();
  }

  /** A loop, and no recursion: where the connection has ended all that wait fail at once. */
  #startFirst(): void {
    if (this.#starting) return;
    this.#starting = true;
    while (this.#first !== undefined && this.#first !== this.#started) {
      this.#first = this.#joined(this.#first);
      this.#started = this.#first;
      this.#started.start();
    }
    this.#starting = false;
  }

  /** The first, or one in place of it and those behind it that can be made with it. */
  #joined(first: Job<unknown>): Job<unknown> {
    const { together } = first.request;
    if (together === undefined || first.next === undefined) return first;
    const fits = ({ request }: Job<unknown>): boolean =>
      request.together === together && together.fits(request, this.storeDirectory);
    const jobs: Job<unknown>[] = [];
    let job: Job<unknown> | undefined = first;
    for (; job !== undefined && jobs.length < together.most && fits(job); job = job.next) jobs.push(job);
    if (jobs.length < 2) return first;
    const joined = new Job(
      together.request(jobs.map(({ request }) => request)),
      this.#surroundings,
      first.port,
      (values) => {
        for (const [index, { resolve }] of jobs.entries()) resolve(values[index]);
      },
      (error) => {
        for (const { reject } of jobs) reject(error);
      },
    ) as unknown as Job<unknown>;
    joined.next = job;
    if (job === undefined) this.#last = joined;
    return joined;
  }

  static {
    perform = (store, request) => {
      checkStore(store, request.name);
      return store.#perform(request);
    };
    addedPaths = (store) => store.#added;
    checkStore = (store, name) => {
      if (typeof store === "object" && store !== null && #link in store) return;
      fail({ what: name }, `expected a store connection, got ${show(store)}`);
    };
  }
}
