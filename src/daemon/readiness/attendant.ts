// Attends to one service: reads what its processes tell on the notify socket, keeps what they give into keeping, and
// watches the one that runs. What it knows is the service's condition, which is noted; the rest it can find again.

import { constants } from "node:os";
import { type Host, launcherOf, mainOf, markOf, StartFailure } from "../constructors/host.js";
import { endProcess } from "../constructors/kill.js";
import { environmentStrings } from "../constructors/process-spec.js";
import { defaultGrace } from "../controller/remains.js";
import { isProcess } from "../controller/running-value.js";
import type { ServiceState, StateEvent } from "../controller/state.js";
import { builtin, type ProcessOptions, type ServiceDefinition } from "../definition/types.js";
import { errorText } from "../error-text.js";
import { describeErrno } from "../keeper/errno.js";
import type { Name, Request, SpawnSpec } from "../keeper/types.js";
import type { Child } from "../processes.js";
import { isKin, type Kin, processStat } from "../survivors.js";
import { isFile, notifyAddress } from "./address.js";
import { Bell } from "./bell.js";
import { type Condition, news } from "./condition.js";
import { checkHealth } from "./health-check.js";
import { Complaints, Pace } from "./limits.js";
import { type Notice, parseNotice } from "./notice.js";
import { hasNotifySocket, type SupervisionOptions, supervisionOf } from "./options.js";
import { type Datagram, type Main, refusal, type Speakers } from "./sender.js";
import { notifySocket, storePrefix } from "./tidy.js";
import { Watchdog } from "./watchdog.js";

const { SIGABRT, SIGTERM } = constants.signals;
const { EEXIST, ECHILD, ESRCH, ENOENT } = constants.errno;

/** Of a unit: whether a process of this step is one of ExecStart=, or what that has left. */
const isOfStart = (step: string): boolean => /^(?:main|start \d+)$/.test(step);

/** How often what was sent meanwhile is read before something is judged: who floods has had its chance. */
const drainRounds = 16;

/** What it needs of the service's controller. */
export interface Attended {
  readonly host: Host;
  readonly definition: ServiceDefinition;
  readonly name: string;
  readonly state: ServiceState;
  /** Seconds since the epoch. */
  now(): number;
  log(line: string): void;
  dispatch(event: StateEvent): void;
  /** The service's process is another one from now on. */
  succeed(heir: Child): void;
  /** Ends a process that must not run on as its unit has it; gives whether it does. */
  readonly condemned?: (reason: string) => boolean;
}

/** What a process gets of what the service has beside its options. */
export interface Provisions {
  readonly environment: readonly string[];
  readonly spec: Pick<SpawnSpec, "pidVariable">;
  readonly listen: readonly { readonly name: Name; readonly as: string }[];
}

/** A message, and what there was when it came. */
interface Letter {
  readonly event: Datagram;
  /** The address of the socket that it came to. */
  readonly socket: string | undefined;
  readonly mains: readonly Main[];
}

export const noProvisions: Provisions = { environment: [], spec: {}, listen: [] };

export class Attendant {
  /** Rung when something that a start waits for may have happened. */
  readonly bell = new Bell();
  readonly #of: Attended;
  #handled = 0;
  #handling: Promise<void> = Promise.resolve();
  /** Whose run it is, or was last: the main process first. */
  #mains: readonly Main[] = [];
  #watchdog: Watchdog | undefined;
  #over: AbortController | undefined;
  #extend: ((seconds: number) => void) | undefined;
  readonly #pace = new Pace();
  readonly #complaints: Complaints;

  constructor(of: Attended) {
    this.#of = of;
    this.#complaints = new Complaints((trouble) =>
      of.log(`A message on the notify socket of service ${of.name} is passed over: ${trouble}.`),
    );
  }

  get condition(): Condition {
    return this.#of.state.condition;
  }

  get #options(): ProcessOptions & SupervisionOptions {
    return supervisionOf(this.#of.definition.start[builtin]);
  }

  /** Whether the process has said READY=1. */
  isReady(): boolean {
    return this.condition.ready === true;
  }

  /** Whether the time of its start was over before; noted, so that the next daemon goes on with what follows. */
  isLate(): boolean {
    return this.condition.late === true;
  }

  setLate(): void {
    this.#tell({ late: true });
  }

  // What processes are given

  /** Makes the notify socket where it is needed and not there yet. Rejects with a StartFailure. */
  async provide(): Promise<Provisions> {
    const { host, name, state } = this.#of;
    const options = this.#options;
    const { watchdog, fileDescriptorStoreMax = 0 } = options;
    const address =
      hasNotifySocket(options) && state.notifySocket === undefined
        ? await notifyAddress(host, name, this.#of.definition.start[builtin])
        : undefined;
    // Somebody else may have made it meanwhile.
    if (address !== undefined && this.#of.state.notifySocket === undefined) {
      const path = address;
      const mode = isFile(path) ? { mode: 0o666 } : {};
      const made = host.outbox.together(() => {
        this.#of.dispatch({ type: "notify-socket", path });
        return host.outbox.post({ op: "notify-socket", name: notifySocket(name), path, ...mode });
      });
      const [result] = await made;
      if (result !== undefined && result.errno !== 0 && result.errno !== EEXIST) {
        this.#of.dispatch({ type: "notify-socket", path: undefined });
        throw new StartFailure(`make a notify socket: ${result.text}: ${describeErrno(result.errno)}`);
      }
    }
    const { notifySocket: path, stored } = this.#of.state;
    return {
      environment: [
        ...(path === undefined ? [] : [`NOTIFY_SOCKET=${path}`]),
        ...(watchdog === undefined ? [] : [`WATCHDOG_USEC=${Math.round(watchdog * 1e6)}`]),
        ...(fileDescriptorStoreMax === 0 ? [] : [`FDSTORE=${fileDescriptorStoreMax}`]),
      ],
      // Its children inherit the variables, and are not watched.
      spec: watchdog === undefined ? {} : { pidVariable: "WATCHDOG_PID" },
      listen: stored.map(({ key, name: as }) => ({ name: key, as })),
    };
  }

  // The life of a process

  /** The service's process runs, or goes on in this daemon. */
  begin(main: Main): void {
    this.end();
    const { host } = this.#of;
    const { health } = this.#options;
    this.#currentMains();
    if (this.condition.condemned !== undefined) {
      this.#endProcess();
      return;
    }
    const seconds = this.condition.watchdog ?? this.#options.watchdog ?? 0;
    this.#watchdog = new Watchdog(host, launcherOf(main.id), seconds, () => this.#isOverdue());
    if (this.condition.overdue === true) this.#judge();
    else this.#watchdog.begin();
    if (health === undefined) return;
    this.#over = new AbortController();
    const { signal } = this.#over;
    const of = this.#of;
    const patient = {
      name: of.name,
      options: this.#options,
      health: () => this.condition.health,
      now: () => of.now(),
      changed: (next: Condition["health"]) => this.#tell({ health: next }),
      unhealthy: (reason: string) => this.#condemn(`is unhealthy: ${reason}`, SIGTERM),
    };
    checkHealth(host, patient, health, signal).catch((error: unknown) => {
      if (!signal.aborted) host.report(`health of service ${of.name}: ${errorText(error)}`);
    });
  }

  /** It runs no more, or is to end. */
  end(): void {
    this.#over?.abort(new Error("the service's process is over"));
    this.#over = undefined;
    this.#watchdog?.end();
    this.#watchdog = undefined;
  }

  /** The service is down: nothing is kept for it. */
  close(name = this.#of.name): void {
    const { host, state, dispatch } = this.#of;
    const { notifySocket: path, stored } = state;
    if (stored.length === 0 && path === undefined) return;
    host.outbox.together(() => {
      this.#drop(stored.map(({ key }) => key));
      if (path !== undefined) this.#drop([notifySocket(name)], isFile(path));
      if (stored.length > 0) dispatch({ type: "stored", stored: [] });
      if (path !== undefined) dispatch({ type: "notify-socket", path: undefined });
    });
  }

  /** What is noted of an earlier daemon's time and is not there: its request was refused, and it did not live to see that. */
  resume(): void {
    const { host, name, state } = this.#of;
    const there = state.stored.filter(({ key }) => host.found.has(key));
    if (there.length < state.stored.length) this.#of.dispatch({ type: "stored", stored: there });
    if (state.notifySocket !== undefined && !host.found.has(notifySocket(name)))
      this.#of.dispatch({ type: "notify-socket", path: undefined });
  }

  #drop(names: readonly Name[], unlink = false): void {
    const { host } = this.#of;
    if (names.length === 0) return;
    host.outbox
      .post(...names.map((name): Request => ({ op: "close", name, ...(unlink ? { unlink } : {}) })))
      .catch((error: unknown) => host.report(errorText(error)));
  }

  #tell(told: Condition): void {
    this.#of.dispatch({ type: "told", told });
    this.bell.ring();
  }

  /** What it has said of itself, to complete why it failed. */
  get lastWords(): string {
    const { statusText, errno } = this.condition;
    const words = [
      ...(statusText === undefined ? [] : [`status: ${statusText}`]),
      ...(errno === undefined || errno === 0 ? [] : [`error: ${describeErrno(errno)}`]),
    ];
    return words.length === 0 ? "" : ` (${words.join("; ")})`;
  }

  // The watchdog

  /** Runs in the step that acknowledges the timer: the note holds what follows should we die. */
  #isOverdue(): void {
    this.#tell({ overdue: true });
    this.#judge();
  }

  #judge(): void {
    const watchdog = this.#watchdog;
    this.drained()
      .then(() => {
        if (this.condition.overdue !== true || this.#watchdog !== watchdog || watchdog === undefined) return;
        this.#condemn(`has not said WATCHDOG=1 within ${watchdog.seconds} s`, SIGABRT);
      })
      .catch((error: unknown) => this.#of.host.report(errorText(error)));
  }

  /** The process must not run on, and the service is started again. */
  #condemn(reason: string, signal: number): void {
    const { name, state, log } = this.#of;
    if (state.status !== "running" || state.condition.condemned !== undefined) return;
    if (this.#of.condemned?.(`it ${reason}`) === true) return;
    log(`Service ${name} ${reason}; it is ended and started again.`);
    this.#tell({ condemned: { reason, signal }, overdue: undefined });
    this.end();
    this.#endProcess();
  }

  #endProcess(): void {
    const { host, state, definition, log } = this.#of;
    const { value, condition } = state;
    if (!isProcess(value) || condition.condemned === undefined) return;
    const stop = definition.stop[builtin];
    const gracePeriod = stop?.kind === "kill" ? stop.gracePeriod : defaultGrace;
    endProcess(host, value, { signal: condition.condemned.signal, gracePeriod }, log).catch(
      (error: unknown) => host.report(errorText(error)),
    );
  }

  // Messages

  /** Resolves when everything that was sent before is handled. */
  async drained(): Promise<void> {
    for (let round = 0; round < drainRounds; round += 1) {
      const before = this.#handled;
      // The keeper looks at its sources in turn: what was there before these requests is told before their results.
      await this.#of.host.outbox.settled();
      await this.#of.host.outbox.settled();
      await new Promise((resolve) => setImmediate(resolve));
      await this.#handling;
      if (this.#handled === before) return;
    }
  }

  /** Handles a message, and acknowledges it in the step that notes what it says; the keeper tells the next one then. */
  notified(event: Datagram): void {
    const { host, name, state } = this.#of;
    this.#handled += 1;
    // At once: its sender's end may be told in this very turn.
    const letter = { event, socket: state.notifySocket, mains: this.#currentMains() };
    this.#handling = this.#handle(letter)
      .catch(async (error: unknown) => {
        host.report(`message of service ${name}: ${errorText(error)}`);
        // It would keep all others from being read.
        await this.#acknowledge(letter, () => undefined);
      })
      .catch((error: unknown) => host.report(`message of service ${name}: ${errorText(error)}`));
  }

  async #handle(letter: Letter): Promise<void> {
    const { event, mains } = letter;
    const [main] = mains;
    await this.#pace.next();
    const notice = parseNotice(event.data, event.truncated);
    const trouble =
      typeof notice === "string"
        ? notice
        : main === undefined
          ? "the service has no process"
          : await refusal(event, this.#speakers(mains, main));
    if (typeof notice === "string" || trouble !== undefined || main === undefined) {
      this.#complaints.add(trouble ?? "it is nobody's");
      await this.#acknowledge(letter, () => undefined);
      return;
    }
    const heir = notice.mainPid === undefined ? undefined : await this.#heirOf(notice.mainPid, main);
    const isRunning = this.#of.state.status === "running";
    const adopted = heir !== undefined && isRunning ? await this.#adoptWhileRunning(heir) : undefined;
    const key = await this.#acknowledge(letter, () => {
      // What a process has said before its end is read after it, and is no news of the next one.
      if (this.#runsNow(main)) {
        if (adopted !== undefined) this.#of.succeed(adopted);
        else if (heir !== undefined && this.#of.state.status === "starting") this.#tell({ heir });
        this.#apply(notice);
      }
      return this.#store(notice, event);
    });
    if (key !== undefined) await this.#notStored(letter, key);
  }

  /** Gives the key under which descriptors that came with it could not be stored. */
  async #acknowledge({ event, socket }: Letter, apply: () => Name | undefined): Promise<Name | undefined> {
    const { host, state } = this.#of;
    // Closed meanwhile: what waited at it is gone.
    if (socket === undefined || state.notifySocket !== socket) return undefined;
    const { key, answer } = host.outbox.together(() => {
      const store = apply();
      const request: Request = {
        op: "acknowledge",
        event: event.event,
        ...(store === undefined ? {} : { store }),
      };
      return { key: store, answer: host.outbox.post(request) };
    });
    const [result] = await answer;
    if (result === undefined || result.errno === 0) return undefined;
    // Closed by a request that was under way already.
    if (key === undefined && result.errno !== ENOENT)
      throw new Error(`${result.text}: ${describeErrno(result.errno)}`);
    return key;
  }

  async #notStored(letter: Letter, key: Name): Promise<void> {
    this.#complaints.add("its descriptors cannot be kept");
    const stored = this.#of.state.stored.filter((one) => !one.key.startsWith(`${key}.`));
    this.#of.dispatch({ type: "stored", stored });
    await this.#acknowledge(letter, () => undefined);
  }

  /** The main process of this run, or of the last one, and then the one that has named it. */
  #currentMains(): readonly Main[] {
    const { host, state } = this.#of;
    const { value, processes, status } = state;
    const made = isProcess(value)
      ? undefined
      : processes.find(({ stop, step }) => stop !== true && (step === undefined || isOfStart(step)));
    const id = isProcess(value) ? value.id : made?.id;
    if (status === "stopped" || id === undefined) return this.#mains;
    const found = [
      isProcess(value) ? value : host.processes.get(mainOf(id)),
      host.processes.get(launcherOf(id)),
      made?.end === undefined ? undefined : { ...made.end, id },
    ].flatMap((one) => (one === undefined ? [] : [{ id: one.id, pid: one.pid, start: one.start }]));
    if (found.length > 0) this.#mains = found;
    return this.#mains;
  }

  /** Whether a main process is one of the run that goes on, and of none before. */
  #runsNow({ id }: Main): boolean {
    const { value, processes, status } = this.#of.state;
    const ids = [...(isProcess(value) ? [value.id] : []), ...processes.map((one) => one.id)];
    return status !== "stopped" && ids.some((one) => launcherOf(one) === launcherOf(id));
  }

  #kin(main: Main): Kin {
    const { host } = this.#of;
    const child = host.processes.get(main.id);
    return {
      leader: main.pid,
      lives: child !== undefined && child.end === undefined,
      mark: markOf(host, main.id),
    };
  }

  #speakers(mains: readonly Main[], main: Main): Speakers {
    const { host } = this.#of;
    const options = this.#options;
    return {
      mains,
      kin: this.#kin(main),
      access: options.notifyAccess ?? "main",
      users: async (): Promise<readonly number[]> => {
        const own = process.geteuid?.() ?? 0;
        const { uid = own } = await host.resolveIdentity(options);
        return [own, uid];
      },
    };
  }

  #apply(notice: Notice): void {
    const told = news(notice, this.condition);
    if (told !== undefined) this.#tell(told);
    const { watchdogSeconds } = notice;
    if (watchdogSeconds !== undefined) this.#watchdog?.change(watchdogSeconds);
    else if (notice.watchdog === "alive") this.#watchdog?.alive();
    if (notice.watchdog === "trigger") this.#condemn("has told that it hangs (WATCHDOG=trigger)", SIGABRT);
    if (notice.extendSeconds !== undefined) this.#extend?.(notice.extendSeconds);
  }

  /** Has `extend` called when the process that starts asks for more time. */
  onExtend(extend: ((seconds: number) => void) | undefined): void {
    this.#extend = extend;
  }

  /** @returns the key under which the keeper is to keep the descriptors that came with it */
  #store({ store, unstore }: Notice, { event, descriptors }: Datagram): Name | undefined {
    const { name, state, dispatch } = this.#of;
    if (unstore !== undefined) {
      const gone = state.stored.filter((one) => one.name === unstore);
      if (gone.length > 0) {
        this.#drop(gone.map(({ key }) => key));
        dispatch({ type: "stored", stored: state.stored.filter((one) => one.name !== unstore) });
      }
    }
    if (store === undefined || descriptors === 0) return undefined;
    const key = `${storePrefix}${name}/${event}`;
    // Those of this very message, where an earlier daemon has noted them and did not come to know how that ended.
    const others = this.#of.state.stored.filter((one) => !one.key.startsWith(`${key}.`));
    const { fileDescriptorStoreMax: most = 0 } = this.#options;
    if (others.length + descriptors > most) {
      this.#complaints.add(
        `it has ${descriptors} descriptors to be kept, and fileDescriptorStoreMax is ${most}`,
      );
      return undefined;
    }
    const fresh = Array.from({ length: descriptors }, (_, index) => ({
      key: `${key}.${index}`,
      name: store,
    }));
    dispatch({ type: "stored", stored: [...others, ...fresh] });
    return key;
  }

  // Another main process

  /** Whom MAINPID names, where that is one of the service's own and not the main process already. */
  async #heirOf(pid: number, main: Main): Promise<Condition["heir"]> {
    if (pid === main.pid) return undefined;
    const stat = await processStat(pid);
    // As with a pid file: nobody shall have us adopt, and one day kill, just any process.
    if (stat !== undefined && stat.start >= this.#launcherStart(main) && (await isKin(pid, this.#kin(main))))
      return { pid, start: stat.start };
    this.#complaints.add(
      `MAINPID=${pid} names ${stat === undefined ? "no process" : "none of its processes"}`,
    );
    return undefined;
  }

  #launcherStart(main: Main): number {
    return this.#of.host.processes.get(launcherOf(main.id))?.start ?? 0;
  }

  /** In a start: makes the process that was named the main one, as soon as its parent has left it to the keeper. */
  async adoptHeir(launcher: Child): Promise<Child | undefined> {
    const { processes, cgroups } = this.#of.host;
    const id = mainOf(launcher.id);
    const known = processes.get(id);
    const { heir } = this.condition;
    if (heir === undefined || (known?.pid === heir.pid && known.start === heir.start)) {
      if (heir !== undefined) this.#tell({ heir: undefined });
      return known;
    }
    if (known !== undefined) return known;
    const adopted = await processes.adopt(id, heir.pid, heir.start, cgroups.pathOf(this.#of.name));
    if (adopted === ECHILD) return undefined;
    this.#tell({ heir: undefined });
    if (typeof adopted !== "number") return adopted;
    if (adopted !== ESRCH) this.#complaints.add(`MAINPID=${heir.pid}: ${describeErrno(adopted)}`);
    return undefined;
  }

  async #adoptWhileRunning(heir: {
    readonly pid: number;
    readonly start: number;
  }): Promise<Child | undefined> {
    const { host, name, state, dispatch } = this.#of;
    const { value } = state;
    if (!isProcess(value)) return undefined;
    const id = mainOf(value.id);
    const known = host.processes.get(id);
    if (known !== undefined) return known.pid === heir.pid && known.start === heir.start ? known : undefined;
    // Noted in the same step: should we die now, the next daemon knows whose it is.
    const adopted = await host.outbox.together(() => {
      dispatch({ type: "spawned", child: id });
      return host.processes.adopt(id, heir.pid, heir.start, host.cgroups.pathOf(name));
    });
    if (typeof adopted !== "number") return adopted;
    dispatch({ type: "disowned", child: id });
    this.#complaints.add(
      `MAINPID=${heir.pid}: ${adopted === ECHILD ? "its parent still runs" : describeErrno(adopted)}`,
    );
    return undefined;
  }
}

/** The options of a constructor with what its process gets beside them. */
export function withProvisions<T extends ProcessOptions>(options: T, { environment }: Provisions): T {
  if (environment.length === 0) return options;
  const own = environmentStrings(options.extraEnvironmentVariables ?? []);
  return { ...options, extraEnvironmentVariables: [...own, ...environment] };
}
