// One service while the daemon lives, as everybody else sees it. Dependencies are the supervisor's business
// (supervisor.ts); processes are the constructors'.

import type { Resources } from "../../protocol/resources.js";
import type { ImminentEnd } from "../constructors/kill.js";
import type { RunningValue, ServiceDefinition } from "../definition/types.js";
import { errorText } from "../error-text.js";
import type { Datagram } from "../readiness/sender.js";
import type { Request } from "../request.js";
import { placesOf } from "../units/execution/places.js";
import { readShortfalls } from "../units/runtime.js";
import type { NotApplied } from "../units/types.js";
import { Aftermaths } from "./aftermath.js";
import { Attending } from "./attending.js";
import { Core, type Environment } from "./core.js";
import { Ending } from "./ending.js";
import { madeType } from "./made-value.js";
import { Reloading } from "./reloading.js";
import { type Parts, resume, resumeStart } from "./resuming.js";
import { durable } from "./running-value.js";
import { Starting, type StartOutcome } from "./starting.js";
import { initialState, type ServiceState, type Wanted } from "./state.js";
import { Stopping } from "./stopping.js";

export class Controller {
  readonly #parts: Parts;

  /** @param environmentOf what there is around this very service */
  constructor(
    definition: ServiceDefinition,
    environmentOf: (controller: Controller) => Environment,
    state: ServiceState = initialState,
  ) {
    const core = new Core(definition, environmentOf(this), state, (heir) => attending.succeed(heir));
    const ending = new Ending(core);
    const attending = new Attending(core, ending);
    const aftermaths = new Aftermaths(core, ending);
    ending.unitEnded = (aftermath) => {
      attending.close();
      reloading.close();
      aftermaths
        .begin(aftermath, core.background())
        .catch((error: unknown) => core.host.report(errorText(error)));
    };
    core.condemned = (reason) => {
      if (core.builtinStart?.kind !== "unit") return false;
      core.log(`Service ${core.name}: ${reason}; it is ended.`);
      ending.unitEnded({ of: "run", result: "watchdog", reason, by: "abort" });
      return true;
    };
    ending.goOn = () => resumeStart(this.#parts, core.background());
    const starting = new Starting(core, ending, attending, aftermaths);
    const reloading = new Reloading(core);
    const stopping = new Stopping(core, { starting, ending, attending, aftermaths, reloading });
    this.#parts = { core, starting, stopping, ending, attending, aftermaths, reloading };
  }

  get name(): string {
    return this.#parts.core.name;
  }

  get state(): ServiceState {
    return this.#parts.core.state;
  }

  get definition(): ServiceDefinition {
    return this.#parts.core.definition;
  }

  set definition(definition: ServiceDefinition) {
    this.#parts.core.definition = definition;
  }

  /** Takes the definition's place when the service stops. */
  get replacement(): ServiceDefinition | undefined {
    return this.#parts.core.replacement;
  }

  set replacement(replacement: ServiceDefinition | undefined) {
    this.#parts.core.replacement = replacement;
    this.#parts.core.environment.redefined();
  }

  /** Whether the configuration in force has no such service any more: it is removed when it stops. */
  get obsolete(): boolean {
    return this.#parts.core.obsolete;
  }

  set obsolete(obsolete: boolean) {
    this.#parts.core.obsolete = obsolete;
    this.#parts.core.environment.redefined();
  }

  /**
   * In how many seconds it would be started again at once if it ended then, with nobody to be asked; undefined: not as things
   * are. What is above 0 is for its respawn limit.
   */
  get respawnsAtOnceIn(): number | undefined {
    return this.#parts.core.respawnsAtOnceIn;
  }

  /** Whether a stop is under way, be it of a start that it cancels. */
  get isEnding(): boolean {
    const { starting, stopping } = this.#parts;
    return stopping.isUnderWay || starting.isCancelled;
  }

  /** Whether something is done for it while it runs without a process. */
  get isAttended(): boolean {
    return this.#parts.attending.attendance !== undefined;
  }

  /** Notes what somebody asked for and has not begun, so that a next daemon goes on with that. */
  want(wanted: Wanted | undefined): void {
    this.#parts.core.want(wanted);
  }

  /** Starts the service, whose requirements run; concurrent callers share one attempt. */
  start(args: readonly string[], request: Request): Promise<StartOutcome> {
    return this.#parts.starting.start(args, request);
  }

  /** The process, and how it is ended, where a stop would do that at once, and nothing before it. */
  get imminentEnd(): ImminentEnd | undefined {
    return this.#parts.stopping.imminentEnd;
  }

  /**
   * Stops the service, whose dependents are stopped; concurrent callers share one stop. Rejects with what user
   * code threw; the service is stopped then too.
   */
  stop(args: readonly string[], request: Request): Promise<void> {
    return this.#parts.stopping.stop(args, request);
  }

  /** Goes on from the note of an earlier daemon. */
  resume(request: Request): void {
    resume(this.#parts, request);
  }

  /**
   * Respawns after the delay, or disables a service that was respawned too often. A unit has decided that where its own start
   * has failed: only one that did not come to its start, for want of what it requires, is tried again.
   */
  scheduleRespawn(): void {
    const { core, ending } = this.#parts;
    if (core.builtinStart?.kind === "unit" && !core.state.respawning) return;
    ending.scheduleRespawn();
  }

  /** Whether it has an action `reload` that is not a function of its definition's. */
  get canReload(): boolean {
    return this.#parts.reloading.isPossible;
  }

  /** Has a unit that runs read its configuration again; concurrent callers share one reload. Rejects with why it failed. */
  reload(request: Request): Promise<void> {
    return this.#parts.reloading.reload(request);
  }

  /** What follows of its own end for other services is done, or is not to be. */
  attendedTo(): void {
    if (this.state.ownEnd !== undefined) this.#parts.core.dispatch({ type: "attended-to" });
  }

  enable(): void {
    this.#parts.core.dispatch({ type: "enable" });
  }

  disable(): void {
    this.#parts.ending.disable();
  }

  /** Handles a message on the service's notify socket. */
  notified(event: Datagram): void {
    this.#parts.core.attendant.notified(event);
  }

  /** Closes what is kept for the service, which is removed or has another name now. */
  closeNotifySocket(name = this.name): void {
    this.#parts.core.attendant.close(name);
  }

  /** What it uses of the machine; undefined where nothing is known. */
  resources(): Promise<Resources | undefined> {
    return this.#parts.core.host.cgroups.resourcesOf(this.name);
  }

  /** The same as far as it changes all the time, of a service that has a cgroup. */
  usage(): Promise<Resources | undefined> {
    return this.#parts.core.host.cgroups.briefUsageOf(this.name);
  }

  /** Of a unit that is up, or on its way: what was found not to be applied when it was started. */
  async unitShortfalls(): Promise<readonly NotApplied[]> {
    const { host, builtinStart } = this.#parts.core;
    if (builtinStart?.kind !== "unit" || this.state.status === "stopped") return [];
    return await readShortfalls(host.unitPlaces ?? placesOf(host), this.name);
  }

  /** Gives a service that runs without a process another value. */
  updateValue(value: RunningValue): void {
    const { core } = this.#parts;
    const { status, value: before } = core.state;
    if (status !== "running") throw new Error(`service ${core.name} does not run: it has no value`);
    if (before === undefined || madeType(before) !== undefined)
      throw new Error(`the value of service ${core.name} is its constructor's`);
    const next = durable(value);
    if (madeType(next) !== undefined)
      throw new Error(`service ${core.name}: expected a value as JSON, got one that a constructor makes`);
    core.dispatch({ type: "value-changed", value: next });
  }

  /** Has a timer run its action now; gives whether it does. */
  trigger(): boolean {
    const { attendance } = this.#parts.attending;
    if (attendance?.trigger === undefined)
      throw new Error(`trigger service ${this.name}: it is no timer that runs`);
    return attendance.trigger();
  }

  /** When a timer goes off next, in milliseconds since the epoch: at most `count` times. */
  alarms(count: number): readonly number[] {
    return this.#parts.attending.attendance?.alarms?.(count) ?? [];
  }
}
