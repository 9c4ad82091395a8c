// An in-memory keeper for unit tests of the daemon: it follows the contract, and tests script its children, timers and
// failures. `successor` plays the daemon's death: the next instance sees what a new daemon would see.

import { constants } from "node:os";
import type {
  ChildRecord,
  DescriptorRecord,
  Ending,
  EventHeader,
  Inventory,
  Keeper,
  KeeperEvent,
  KeeperRecord,
  Name,
  Parting,
  Request,
  Result,
  Scope,
  SetupFailure,
  SpawnSpec,
  StandBy,
  Successor,
} from "../../src/daemon/keeper/types.js";
import { monotonic } from "../../src/daemon/monotonic.js";

const { errno: errnos, signals } = constants;
const success: Result = { errno: 0, text: "" };

/** An event without the header that the keeper adds. */
type EventBody<Event = KeeperEvent> = Event extends KeeperEvent ? Omit<Event, keyof EventHeader> : never;
type DatagramBody = Extract<EventBody, { readonly type: "datagram" }>;
type TimerRequest = Extract<Request, { readonly op: "arm-timer" }>;

export interface FakeChild {
  readonly id: Name;
  readonly pid: number;
  readonly start: number;
  /** Absent for an adopted child. */
  readonly spec?: SpawnSpec;
  /** Of an adopted child. */
  readonly cgroup?: string;
  state: ChildRecord["state"];
  /** Who stands by for it. */
  next?: StandBy | undefined;
  /** Every signal it was sent. */
  readonly signals: { readonly signal: number; readonly scope: Scope }[];
}

interface FakeDescriptor {
  readonly kind: DescriptorRecord["kind"];
  readonly path?: string;
  watched: boolean;
}

export interface FakeKeeperOptions {
  readonly keeper?: Partial<KeeperRecord>;
  readonly notes?: Iterable<readonly [Name, Uint8Array]>;
  /** What a spawn leads to; default: the program is executed. */
  readonly onSpawn?: (child: FakeChild, keeper: FakeKeeper) => void;
  /** What a signal does; default: TERM, INT, HUP and KILL end the child. */
  readonly onSignal?: (child: FakeChild, signal: number, keeper: FakeKeeper) => void;
  /** Whether it can be asked what it was at each instant, which takes much for thousands of services; default true. */
  readonly remembers?: boolean;
}

const deadly: readonly number[] = [signals.SIGTERM, signals.SIGINT, signals.SIGHUP, signals.SIGKILL];

/** What outlives a daemon. */
interface World {
  readonly keeper: KeeperRecord;
  readonly children: Map<Name, FakeChild>;
  readonly descriptors: Map<Name, FakeDescriptor>;
  readonly notes: Map<Name, Uint8Array>;
  readonly timers: Map<Name, TimerRequest>;
  /** Processes of the keeper that can be adopted: pid to start time and, when it is dead, wait status. */
  readonly strays: Map<number, { readonly start: number; readonly status?: number }>;
  /** Connections that wait at a listener. */
  readonly waiting: Map<Name, Result[]>;
  /** What waits at notify sockets, the first of each being told. */
  readonly datagrams: Map<Name, DatagramBody[]>;
  readonly pending: Map<bigint, KeeperEvent>;
  /** Whether a shutdown has begun. */
  isEnding: boolean;
  lastEvent: bigint;
  lastPid: number;
}

/** What was there when the daemon could have died: after a frame, or when something had happened of itself. */
interface Instant {
  readonly after: string;
  readonly world: World;
}

/** The daemon before the one that says hello now, and what it has left. */
interface Predecessor {
  readonly world: World;
  readonly generation: number;
}

export class FakeKeeper implements Keeper, Parting {
  readonly inventory: Inventory;
  /** Every request, in order, refused or not. */
  readonly requests: Request[] = [];
  /** The same, frame by frame. */
  readonly frames: (readonly Request[])[] = [];
  /** The last `finish`, after which the keeper is gone. */
  finished: { readonly how: Ending; readonly code: number } | undefined;
  readonly #options: FakeKeeperOptions;
  readonly #world: World;
  readonly #instants: Instant[] = [];
  readonly #refusals: { readonly matches: (request: Request) => boolean; readonly result: Result }[] = [];
  #undelivered: KeeperEvent[];
  #delivering = false;
  #applying = false;
  #eventReceiver: ((event: KeeperEvent) => void) | undefined;
  #lostReceiver: ((reason: Error) => void) | undefined;
  #lost: Error | undefined;

  constructor(options: FakeKeeperOptions = {}, predecessor?: FakeKeeper | Predecessor) {
    const left = predecessor instanceof FakeKeeper ? predecessor.#left : predecessor;
    this.#options = options;
    this.#world = left?.world ?? newWorld(options);
    const generation = left === undefined ? 0 : left.generation + 1;
    this.inventory = inventoryOf(this.#world, generation);
    this.#undelivered = [...this.#world.pending.values()];
  }

  // What tests look at

  child(id: Name): FakeChild {
    const child = this.#world.children.get(id);
    if (child === undefined) throw new Error(`the fake keeper has no child ${id}`);
    return child;
  }

  get children(): readonly FakeChild[] {
    return [...this.#world.children.values()];
  }

  get notes(): ReadonlyMap<Name, Uint8Array> {
    return this.#world.notes;
  }

  /** The instants at which the daemon could have died, by what went before each. */
  get instants(): readonly string[] {
    return this.#instants.map(({ after }) => after);
  }

  get timers(): ReadonlyMap<Name, TimerRequest> {
    return this.#world.timers;
  }

  get descriptors(): ReadonlyMap<
    Name,
    { readonly kind: DescriptorRecord["kind"]; readonly watched: boolean }
  > {
    return this.#world.descriptors;
  }

  /** Events that were not acknowledged yet. */
  get unacknowledged(): readonly KeeperEvent[] {
    return [...this.#world.pending.values()];
  }

  // What tests script

  /** The first request that matches, once, is refused instead of applied. */
  refuse(
    matches: Request["op"] | ((request: Request) => boolean),
    errno: number,
    text = "refused by the test",
  ): void {
    this.#refusals.push({
      matches: typeof matches === "string" ? (request) => request.op === matches : matches,
      result: { errno, text },
    });
  }

  /** The child's program is executed. */
  started(id: Name): void {
    const child = this.child(id);
    child.state = "running";
    this.emit({ type: "child-started", id, pid: child.pid });
  }

  /** The child exits with a code, is killed by a signal, or never came to execute its program. */
  end(
    id: Name,
    how: { readonly code: number } | { readonly signal: number } | { readonly failure: SetupFailure },
  ): void {
    const child = this.child(id);
    if (child.state === "ended") throw new Error(`the fake keeper's child ${id} has ended already`);
    const successor = this.#successorOf(child);
    child.state = "ended";
    const status = "code" in how ? how.code << 8 : "signal" in how ? how.signal : 127 << 8;
    const applying = this.#applying;
    // The real one does both in one go.
    this.#applying = true;
    this.emit({
      type: "child-ended",
      id,
      pid: child.pid,
      status,
      userMicroseconds: 1000,
      systemMicroseconds: 1000,
      peakKibibytes: 1024,
      ...(successor === undefined ? {} : { alone: true, successor }),
      ...("failure" in how ? { failure: how.failure } : {}),
    });
    if (child.next !== undefined && successor !== undefined) this.#spawn(child.next.id, child.next.spec);
    child.next = undefined;
    this.#applying = applying;
    if (!applying) this.#remember(`child-ended ${id}`);
  }

  /** Who takes the place of a child that ends now. */
  #successorOf({ next, state }: FakeChild): Successor | undefined {
    if (next === undefined || state !== "running" || this.#world.isEnding) return undefined;
    if (this.#unspawnable(next.id, next.spec) !== undefined) return undefined;
    const pid = this.#world.lastPid + 1;
    return { id: next.id, pid, start: startOf(pid) };
  }

  /** Fires an armed timer, and sends the signal that was armed with it. */
  fire(id: Name): void {
    const timer = this.#world.timers.get(id);
    if (timer === undefined) throw new Error(`the fake keeper has no timer ${id}`);
    // The real one does both in one go.
    this.#applying = true;
    this.emit({ type: "timer-fired", id });
    const victim = timer.kill === undefined ? undefined : this.#world.children.get(timer.kill);
    if (victim !== undefined && victim.state !== "ended")
      this.#signal(victim, timer.signal ?? signals.SIGKILL, timer.scope ?? "group");
    this.#applying = false;
    this.#remember(`timer-fired ${id}`);
  }

  /** A process that can be adopted: alive, or dead with a raw wait status. */
  stray(pid: number, start: number, status?: number): void {
    this.#world.strays.set(pid, { start, ...(status === undefined ? {} : { status }) });
  }

  /** A connection arrives at a listener; a watched one becomes readable. */
  connect(listener: Name, peer: Partial<Result> = {}): void {
    const queue = this.#world.waiting.get(listener) ?? [];
    queue.push({ ...success, ...peer });
    this.#world.waiting.set(listener, queue);
    this.#tellReadable(listener);
  }

  /** As the real one: only of a watched descriptor, and once until that is acknowledged. */
  #tellReadable(name: Name): void {
    const told = this.unacknowledged.some((event) => event.type === "readable" && event.name === name);
    const { watched = false } = this.#world.descriptors.get(name) ?? {};
    if (watched && !told && (this.#world.waiting.get(name)?.length ?? 0) > 0)
      this.emit({ type: "readable", name });
  }

  /** A datagram arrives at a notify socket; where there is none, it is refused to its sender. */
  datagram(name: Name, text: string, pid: number, uid = 0, descriptors = 0): void {
    if (this.#world.descriptors.get(name)?.kind !== "notify") return;
    const queue = this.#world.datagrams.get(name) ?? [];
    queue.push({
      type: "datagram",
      name,
      data: new TextEncoder().encode(text),
      pid,
      uid,
      gid: uid,
      start: [...this.#world.children.values()].find((child) => child.pid === pid)?.start ?? 0,
      descriptors,
      truncated: false,
    });
    this.#world.datagrams.set(name, queue);
    if (queue.length > 1) this.#remember(`datagram for ${name} waits`);
    else this.#tellDatagram(name);
  }

  /** The first of those that wait; the next one only when that was acknowledged. */
  #tellDatagram(name: Name): void {
    const [first] = this.#world.datagrams.get(name) ?? [];
    if (first !== undefined) this.emit(first);
  }

  /** A signal arrives at the keeper. */
  signal(signal: number, pid = 1, uid = 0): void {
    this.emit({ type: "signal", signal, pid, uid, count: 1 });
  }

  /** Any event: it is numbered, and pending until it is acknowledged. */
  emit(body: EventBody): void {
    this.#world.lastEvent += 1n;
    const event: KeeperEvent = { event: this.#world.lastEvent, at: BigInt(Date.now()) * 1_000_000n, ...body };
    this.#world.pending.set(event.event, event);
    this.#undelivered.push(event);
    // What a frame brings about is there when the frame is.
    if (!this.#applying) this.#remember(`${event.type} ${"id" in event ? event.id : ""}`);
    this.#deliver();
  }

  /** The daemon dies and another one says hello. This instance is dead from now on: nothing reaches it. */
  successor(options: FakeKeeperOptions = this.#options): FakeKeeper {
    this.#lost = new Error("lost the keeper: this daemon was replaced");
    this.#eventReceiver = undefined;
    return new FakeKeeper(options, this.#left);
  }

  get #left(): Predecessor {
    return { world: this.#world, generation: this.inventory.keeper.generation };
  }

  /** The keeper as it was at an instant of `instants`, for the daemon that follows one that died then. */
  at(index: number): FakeKeeper {
    const instant = this.#instants[index];
    if (instant === undefined) throw new Error(`the fake keeper has no instant ${index}`);
    return new FakeKeeper(this.#options, { ...this.#left, world: structuredClone(instant.world) });
  }

  #remember(after: string): void {
    if (this.#options.remembers === false) return;
    this.#instants.push({ after, world: structuredClone(this.#world) });
  }

  /** The connection to the keeper breaks. */
  lose(reason = new Error("lost the keeper: end of file")): void {
    if (this.#lost !== undefined) return;
    this.#lost = reason;
    this.#lostReceiver?.(reason);
  }

  // The interface of Keeper

  async send(
    requests: readonly Request[],
    options: { readonly stopOnError?: boolean } = {},
  ): Promise<readonly Result[]> {
    if (this.#lost !== undefined) throw this.#lost;
    this.frames.push(requests);
    this.requests.push(...requests);
    const results: Result[] = [];
    let stopped = false;
    this.#applying = true;
    for (const request of requests) {
      const result: Result = stopped ? failure("ECANCELED", request.op) : this.#apply(request);
      stopped ||= options.stopOnError === true && result.errno !== 0;
      results.push(result);
    }
    this.#applying = false;
    this.#remember(requests.map(wordOf).join(", "));
    if (this.finished !== undefined) {
      this.lose();
      throw this.#lost ?? new Error("lost the keeper");
    }
    return results;
  }

  get traffic(): number {
    return this.frames.length + Number(this.#world.lastEvent);
  }

  /** Tests tell. */
  quietSince = monotonic();
  isQuiet = true;

  sendLast(requests: readonly Request[]): boolean {
    this.send(requests).catch(() => undefined);
    return true;
  }

  onEvent(receiver: (event: KeeperEvent) => void): void {
    this.#eventReceiver = receiver;
    this.#deliver();
  }

  onLost(receiver: (reason: Error) => void): void {
    this.#lostReceiver = receiver;
    if (this.#lost !== undefined) receiver(this.#lost);
  }

  /** Events are delivered when no promise reaction is left, as after a read: results come before what followed them. */
  #deliver(): void {
    if (this.#delivering) return;
    this.#delivering = true;
    queueMicrotask(() =>
      process.nextTick(() => {
        this.#delivering = false;
        while (this.#eventReceiver !== undefined) {
          const event = this.#undelivered.shift();
          if (event === undefined) return;
          this.#eventReceiver(event);
        }
      }),
    );
  }

  #apply(request: Request): Result {
    const refusal = this.#refusals.findIndex(({ matches }) => matches(request));
    if (refusal >= 0) return this.#refusals.splice(refusal, 1)[0]?.result ?? success;
    const { children, descriptors, notes, timers } = this.#world;
    switch (request.op) {
      case "spawn":
        return this.#spawn(request.id, request.spec);
      case "adopt":
        return this.#adopt(request);
      case "signal-child": {
        const child = children.get(request.id);
        if (child === undefined || child.state === "ended") return failure("ESRCH", `signal ${request.id}`);
        this.#signal(child, request.signal, request.scope);
        return success;
      }
      case "stand-by": {
        const child = children.get(request.child);
        if (child === undefined) return failure("ENOENT", `stand by for child ${request.child}`);
        if (child.state === "ended") return failure("ESRCH", `stand by for child ${request.child}`);
        child.next = request;
        return success;
      }
      case "stand-down": {
        const child = children.get(request.child);
        if (child === undefined) return failure("ENOENT", `stand down for child ${request.child}`);
        child.next = undefined;
        return success;
      }
      case "signal-process":
        if (request.pid <= 1) return failure("EPERM", `signal process ${request.pid}`);
        return this.#world.strays.get(request.pid)?.start === request.start
          ? success
          : failure("ESRCH", `signal process ${request.pid}`);
      case "expect-file":
      case "expect-environment":
      case "await-started":
        return failure("EINVAL", `${request.op}: not in a conversation`);
      case "make-directory":
        return success;
      case "pipe":
        return this.#hold([request.name], { kind: "pipe" });
      case "set-option":
        return descriptors.has(request.name) ? success : failure("ENOENT", `set option of ${request.name}`);
      case "listen": {
        const result: Result = this.#hold([request.name], { kind: "listener", path: request.address });
        if (result.errno !== 0) return result;
        return request.family === "unix"
          ? { ...success, path: request.address }
          : { ...success, port: request.port ?? 0 };
      }
      case "socket-pair":
        return this.#hold([request.name, request.peer], { kind: "socket-pair" });
      case "memory-file":
        return this.#hold([request.name], { kind: "memory" });
      case "open":
        return this.#hold([request.name], { kind: "other", path: request.path });
      case "notify-socket":
        return this.#hold([request.name], { kind: "notify", path: request.path });
      case "close":
        this.#world.waiting.delete(request.name);
        this.#world.datagrams.delete(request.name);
        this.#forget(
          (event) => (event.type === "readable" || event.type === "datagram") && event.name === request.name,
        );
        return descriptors.delete(request.name) ? success : failure("ENOENT", `close ${request.name}`);
      case "watch": {
        const descriptor = descriptors.get(request.name);
        if (descriptor === undefined) return failure("ENOENT", `watch ${request.name}`);
        descriptor.watched = request.on;
        if (request.on) this.#tellReadable(request.name);
        else this.#forget((event) => event.type === "readable" && event.name === request.name);
        return success;
      }
      case "accept":
        return this.#accept(request.name, request.connection);
      case "pass": {
        const missing = [request.through, ...request.names].find((name) => !descriptors.has(name));
        return missing === undefined ? success : failure("ENOENT", `pass ${missing}`);
      }
      case "put-note":
        notes.set(request.key, request.value.slice());
        return success;
      case "delete-note":
        return notes.delete(request.key) ? success : failure("ENOENT", `delete note ${request.key}`);
      case "arm-timer":
        timers.set(request.id, request);
        return success;
      case "end-children":
        for (const id of request.ids) {
          const child = children.get(id);
          if (child === undefined || child.state === "ended") continue;
          const { clock, at, scope, signal } = request;
          const timer = request.timers + id;
          timers.set(timer, { op: "arm-timer", id: timer, clock, at, kill: id, scope });
          this.#signal(child, signal, "group");
        }
        return success;
      case "disarm-timer":
        this.#forget((event) => event.type === "timer-fired" && event.id === request.id);
        return timers.delete(request.id) ? success : failure("ENOENT", `disarm timer ${request.id}`);
      case "acknowledge":
        return this.#acknowledge(request.event, request.store);
      case "finish":
        this.finished = { how: request.how, code: request.code ?? 0 };
        return success;
      case "hibernate":
        return this.#world.pending.size === 0 ? success : failure("EBUSY", "hibernate");
      case "tell-manager":
        return this.#world.keeper.manager ? success : failure("ENOENT", "tell manager");
      case "begin-shutdown":
        this.#world.isEnding = true;
        return success;
      case "configure":
      case "relaunch":
      case "replace-keeper":
        return success;
    }
  }

  #spawn(id: Name, spec: SpawnSpec): Result {
    const refused = this.#unspawnable(id, spec);
    if (refused !== undefined) return refused;
    this.#world.lastPid += 1;
    const pid = this.#world.lastPid;
    const child: FakeChild = { id, pid, start: startOf(pid), spec, state: "setup", signals: [] };
    this.#world.children.set(id, child);
    if (this.#options.onSpawn === undefined) this.started(id);
    else this.#options.onSpawn(child, this);
    return { ...success, pid, start: child.start };
  }

  #unspawnable(id: Name, spec: SpawnSpec): Result | undefined {
    if (this.#world.children.has(id)) return failure("EEXIST", `spawn ${id}`);
    const missing = namesOf(spec).find((name) => !this.#world.descriptors.has(name));
    return missing === undefined ? undefined : failure("ENOENT", `spawn ${id}: descriptor ${missing}`);
  }

  #adopt({ id, pid, start, cgroup }: Extract<Request, { readonly op: "adopt" }>): Result {
    if (this.#world.children.has(id)) return failure("EEXIST", `adopt ${id}`);
    const stray = this.#world.strays.get(pid);
    if (stray === undefined) return failure("ECHILD", `adopt ${pid}`);
    if (stray.start !== start) return failure("ESRCH", `adopt ${pid}`);
    this.#world.strays.delete(pid);
    const place = cgroup === undefined ? {} : { cgroup };
    this.#world.children.set(id, { id, pid, start, ...place, state: "running", signals: [] });
    if (stray.status === undefined) return { ...success, alive: true };
    const { status } = stray;
    const signal = status & 0x7f;
    this.end(id, signal === 0 ? { code: status >> 8 } : { signal });
    return { ...success, alive: false };
  }

  #accept(name: Name, connection: Name): Result {
    if (!this.#world.descriptors.has(name)) return failure("ENOENT", `accept ${name}`);
    const peer = this.#world.waiting.get(name)?.shift();
    if (peer === undefined) return failure("EAGAIN", `accept ${name}`);
    const held = this.#hold([connection], { kind: "connection" });
    return held.errno === 0 ? peer : held;
  }

  #signal(child: FakeChild, signal: number, scope: Scope): void {
    child.signals.push({ signal, scope });
    if (this.#options.onSignal !== undefined) this.#options.onSignal(child, signal, this);
    else if (deadly.includes(signal)) this.end(child.id, { signal });
  }

  #hold(names: readonly Name[], descriptor: Omit<FakeDescriptor, "watched">): Result {
    const taken = names.find((name) => this.#world.descriptors.has(name));
    if (taken !== undefined) return failure("EEXIST", `create descriptor ${taken}`);
    for (const name of names) this.#world.descriptors.set(name, { ...descriptor, watched: false });
    return success;
  }

  #acknowledge(number: bigint, store?: Name): Result {
    const event = this.#world.pending.get(number);
    if (event === undefined) return failure("ENOENT", `acknowledge event ${number}`);
    if (event.type === "datagram" && store !== undefined) {
      const names = Array.from({ length: event.descriptors }, (_, index) => `${store}.${index}`);
      const held = this.#hold(names, { kind: "other" });
      if (held.errno !== 0) return held;
    }
    this.#world.pending.delete(number);
    if (event.type === "child-ended") this.#world.children.delete(event.id);
    if (event.type === "timer-fired") this.#world.timers.delete(event.id);
    if (event.type === "readable") this.#tellReadable(event.name);
    if (event.type === "datagram") {
      this.#world.datagrams.get(event.name)?.shift();
      this.#tellDatagram(event.name);
    }
    return success;
  }

  /** What the event was about is no more. */
  #forget(matches: (event: KeeperEvent) => boolean): void {
    for (const [number, event] of this.#world.pending) if (matches(event)) this.#world.pending.delete(number);
    this.#undelivered = this.#undelivered.filter((event) => !matches(event));
  }
}

function wordOf(request: Request): string {
  if (request.op === "put-note") return `put-note ${request.key}`;
  return "id" in request ? `${request.op} ${request.id}` : request.op;
}

function failure(name: keyof typeof errnos, text: string): Result {
  return { errno: errnos[name], text };
}

function startOf(pid: number): number {
  return pid * 10;
}

function namesOf(spec: SpawnSpec): Name[] {
  return [
    ...(spec.descriptors ?? []).flatMap(({ source }) => ("name" in source ? [source.name] : [])),
    ...(spec.listen ?? []).map(({ name }) => name),
    ...(spec.terminal !== undefined && "name" in spec.terminal ? [spec.terminal.name] : []),
    ...(spec.socketEnvironment === undefined ? [] : [spec.socketEnvironment]),
  ];
}

function newWorld(options: FakeKeeperOptions): World {
  return {
    keeper: {
      pid: 1,
      started: 1_000_000_000n,
      init: false,
      initial: false,
      generation: 0,
      rescue: false,
      slots: [4, 5, 6, 7].map((descriptor) => ({
        number: descriptor - 4,
        descriptor,
        family: "unix" as const,
      })),
      manager: false,
      release: "fake",
      terminals: [false, false, false],
      bootId: "00000000-0000-0000-0000-000000000000",
      orphans: 0,
      ...options.keeper,
    },
    children: new Map(),
    descriptors: new Map(),
    notes: new Map(options.notes ?? []),
    timers: new Map(),
    strays: new Map(),
    waiting: new Map(),
    datagrams: new Map(),
    pending: new Map(),
    isEnding: false,
    lastEvent: 0n,
    lastPid: 1000,
  };
}

function inventoryOf(world: World, generation: number): Inventory {
  return {
    keeper: { ...world.keeper, generation },
    children: [...world.children.values()].map(
      ({ id, pid, start, state, spec, next, cgroup = spec?.cgroup }) => ({
        id,
        pid,
        start,
        state,
        spawned: 1_000_000_000n,
        ...(cgroup === undefined ? {} : { cgroup }),
        adopted: spec === undefined,
        ...(next === undefined ? {} : { standsBy: true }),
      }),
    ),
    descriptors: [...world.descriptors].map(([name, { kind, path, watched }]) => ({
      name,
      kind,
      ...(path === undefined ? {} : { path }),
      watched,
    })),
    notes: new Map(world.notes),
    timers: [...world.timers.values()].map(({ id, clock, at, kill }) => ({
      id,
      clock,
      at,
      ...(kill === undefined ? {} : { kill }),
    })),
  };
}
