// What is going on, for all pages that are open: the supervisor is asked every now and then while there is one, and never
// while there is none. Each page gets everything first, and then what has changed.

import { setTimeout as delay } from "node:timers/promises";
import { toldAlarms } from "../herd/render/alarms.js";
import { extraText } from "../herd/render/service.js";
import { isRoot } from "../herd/views/view.js";
import type { ServiceStatus } from "../protocol/service-status.js";
import { asNumber } from "../protocol/sexp.js";
import { layoutOf } from "./layout.js";
import { memoryOf } from "./memory.js";
import { type Beside, byName, serviceView } from "./service-view.js";
import { NoAnswer, type Supervisor } from "./supervisor.js";
import type { Change, GraphLayout, ServiceView, SupervisorView } from "./views.js";

export type Listener = (change: Change) => void;

/** How often, in ms, it is asked; more seldom where that would take more of the time than one part of so many. */
const askEvery = 1000;
const share = 20;
const seldomest = 5000;
/** How long, in ms, an answer may take until the pages are told that there is none. */
const patience = 1500;
/** How often, in ms, memory is measured. */
const measureEvery = 5000;
/** What changes by less is not told. */
const memoryGrain = 64 * 1024;

export class Feed {
  readonly #supervisor: Supervisor;
  readonly #failed: (error: unknown) => void;
  readonly #listeners = new Set<Listener>();
  #services: ReadonlyMap<string, ServiceView> = new Map();
  #state: SupervisorView = { answers: false };
  #graph: GraphLayout = layoutOf([]);
  #shape = "";
  #isRunning = false;
  /** Ends the pause between two questions. */
  #wake = new AbortController();
  #measured = Number.NEGATIVE_INFINITY;
  readonly #memory = new Map<string, number>();
  /** Of timers: what they were like when they were asked, and what they have told. */
  readonly #alarms = new Map<string, { readonly as: string; readonly alarms: readonly number[] }>();

  /** @param failed told of what is our fault */
  constructor(supervisor: Supervisor, failed: (error: unknown) => void) {
    this.#supervisor = supervisor;
    this.#failed = failed;
  }

  /** Has a page told from now on; the function that is given ends that. */
  subscribe(listener: Listener): () => void {
    this.#listeners.add(listener);
    // What is known may be old: until the first answer nothing is told to the first page.
    if (this.#isRunning && this.#services.size > 0) listener(this.#everything());
    if (!this.#isRunning) {
      this.#isRunning = true;
      this.#run().catch(this.#failed);
    }
    return () => {
      this.#listeners.delete(listener);
      if (this.#listeners.size === 0) this.#wake.abort();
    };
  }

  /** Whether the supervisor is asked, now or in a moment. */
  get isAsking(): boolean {
    return this.#isRunning;
  }

  /** Asks at once, where something was just done. */
  hurry(): void {
    this.#wake.abort();
  }

  #everything(): Change {
    return {
      whole: true,
      supervisor: this.#state,
      services: [...this.#services.values()],
      removed: [],
      graph: this.#graph,
    };
  }

  async #run(): Promise<void> {
    try {
      while (this.#listeners.size > 0) {
        const begun = performance.now();
        await this.#ask();
        // Of a daemon that was away for a while, the time says nothing about its work.
        const took = performance.now() - begun;
        const pause = took > patience ? askEvery : Math.min(seldomest, Math.max(askEvery, took * share));
        this.#wake = new AbortController();
        await delay(pause, undefined, { signal: this.#wake.signal }).catch(() => undefined);
      }
    } finally {
      this.#isRunning = false;
      this.#services = new Map();
      this.#shape = "";
      this.#state = { answers: false };
    }
  }

  async #ask(): Promise<void> {
    const late = setTimeout(() => this.#tellSilence(), patience);
    try {
      const statuses = await this.#supervisor.services();
      clearTimeout(late);
      this.#learn(statuses, await this.#beside(statuses));
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      this.#tellSilence();
    } finally {
      clearTimeout(late);
    }
  }

  #tellSilence(): void {
    if (!this.#state.answers && this.#services.size > 0) return;
    this.#state = { ...this.#state, answers: false };
    this.#tell({ whole: false, supervisor: this.#state, services: [], removed: [] });
  }

  #tell(change: Change): void {
    for (const listener of this.#listeners) listener(change);
  }

  #learn(statuses: readonly ServiceStatus[], beside: ReadonlyMap<string, Beside>): void {
    const others = byName(statuses);
    const root = others.get("root");
    const before = this.#services;
    const views = statuses
      .filter((service) => service !== root)
      .map((service) => serviceView(service, others, beside.get(service.provides[0])));
    this.#services = new Map(views.map((view) => [view.name, view]));
    const changed = views.filter((view) => JSON.stringify(view) !== JSON.stringify(before.get(view.name)));
    const removed = [...before.keys()].filter((name) => !this.#services.has(name));
    const state = supervisorView(root);
    const isNews = JSON.stringify(state) !== JSON.stringify(this.#state);
    this.#state = state;
    const shape = JSON.stringify(views.map(({ name, requires }) => [name, requires]));
    const isReshaped = shape !== this.#shape;
    this.#shape = shape;
    if (isReshaped) this.#graph = layoutOf(views);
    if (!isNews && !isReshaped && changed.length === 0 && removed.length === 0) return;
    this.#tell({
      whole: before.size === 0,
      supervisor: state,
      services: changed,
      removed,
      ...(isReshaped ? { graph: this.#graph } : {}),
    });
  }

  async #beside(statuses: readonly ServiceStatus[]): Promise<ReadonlyMap<string, Beside>> {
    await this.#measure(statuses);
    await this.#askAlarms(statuses);
    return new Map(
      statuses.map(({ provides: [name] }) => {
        const memory = this.#memory.get(name);
        const alarms = this.#alarms.get(name)?.alarms;
        return [
          name,
          { ...(memory === undefined ? {} : { memory }), ...(alarms === undefined ? {} : { alarms }) },
        ];
      }),
    );
  }

  async #measure(statuses: readonly ServiceStatus[]): Promise<void> {
    if (performance.now() < this.#measured + measureEvery) return;
    const begun = performance.now();
    const memory = await memoryOfAll(statuses);
    // Of ten thousand services that takes a while, and is done more seldom.
    this.#measured = performance.now() + (performance.now() - begun) * share;
    this.#memory.clear();
    for (const [name, bytes] of memory) this.#memory.set(name, Math.round(bytes / memoryGrain) * memoryGrain);
  }

  /** Only a timer's own status tells when it goes off: it is asked when it has done something, or should have. */
  async #askAlarms(statuses: readonly ServiceStatus[]): Promise<void> {
    const timers = statuses.filter(({ running }) => running?.type === "timer");
    const names = new Set(timers.map(({ provides }) => provides[0]));
    for (const name of this.#alarms.keys()) if (!names.has(name)) this.#alarms.delete(name);
    for (const timer of timers) {
      const [name] = timer.provides;
      const as = JSON.stringify([
        timer.statusChanges[0],
        timer.running?.type === "timer" ? timer.running.pastRuns[0]?.end : 0,
      ]);
      const known = this.#alarms.get(name);
      const [next = Number.POSITIVE_INFINITY] = known?.alarms ?? [];
      if (known?.as === as && next > Date.now() / 1000) continue;
      this.#alarms.set(name, { as, alarms: await alarmsOf(this.#supervisor, name) });
    }
  }
}

/** Of the services that are processes. Root's is the keeper, and with it everything. */
export async function memoryOfAll(statuses: readonly ServiceStatus[]): Promise<ReadonlyMap<string, number>> {
  const memory = new Map<string, number>();
  for (const { provides, running } of statuses) {
    if (isRoot(provides[0])) continue;
    const bytes = running?.type === "process" ? await memoryOf(provides[0], running.pid) : undefined;
    if (bytes !== undefined) memory.set(provides[0], bytes);
  }
  return memory;
}

/** When a timer goes off next, soonest first. */
export async function alarmsOf(supervisor: Supervisor, name: string): Promise<readonly number[]> {
  const status = await supervisor.service(name);
  return status === undefined ? [] : (toldAlarms(status) ?? []);
}

function supervisorView(root: ServiceStatus | undefined): SupervisorView {
  const rescue = root === undefined ? undefined : extraText(root, "rescue");
  const pid = asNumber(root?.extra.get("supervisor-pid"));
  return {
    answers: true,
    ...(pid === undefined ? {} : { pid }),
    ...(rescue === undefined ? {} : { rescue }),
  };
}
