// What the parts of one service's controller share: its definition, its state, its processes' notes, and the way out.

import { leaveConsole } from "../console/console.js";
import type { Host } from "../constructors/host.js";
import { type BuiltinStart, builtin, type ServiceDefinition } from "../definition/types.js";
import type { SpawnSpec } from "../keeper/types.js";
import type { Child, Step } from "../processes.js";
import { Attendant, type Attended } from "../readiness/attendant.js";
import { Request } from "../request.js";
import { reduce } from "./reduce.js";
import { respawnAllowedIn, respawnsUnasked } from "./respawn.js";
import { isDown, type OwnProcess, type ServiceState, type StateEvent, type Wanted } from "./state.js";

/** What one service tells the supervisor and asks of it. */
export interface Environment {
  readonly host: Host;
  /** Seconds since the epoch. */
  now(): number;
  log(line: string): void;
  /** Writes the service's note. */
  record(): void;
  /** The service's definition is another one, or is to be. */
  redefined(): void;
  /** Whether the keeper may have respawned it by itself, as things are now. */
  mayBeSucceeded(): boolean;
  /** Whether the system is going down: nothing is respawned then. */
  shuttingDown(): boolean;
  /** Starts the service again, requirements included. */
  respawn(): void;
  /** Stops a service that has done what it is for, and what depends on it. */
  finish(): void;
  /** The process ended by itself and the service stays stopped. */
  settled(): void;
  /**
   * The service is stopped: its replacement takes its place now.
   * @param over whether it ran and is over, so that a transient service is forgotten
   */
  stopped(over: boolean): void;
}

/** Owns the state: whoever changes it does so by an event, which is noted before anything else. */
export class Core implements Attended {
  definition: ServiceDefinition;
  /** Takes the definition's place when the service stops. */
  replacement: ServiceDefinition | undefined;
  /** Whether the configuration in force has no such service any more: it is removed when it stops. */
  obsolete = false;
  readonly environment: Environment;
  /** Attends to the service's processes. */
  readonly attendant: Attendant;
  /** The service's process is another one from now on. */
  readonly succeed: (heir: Child) => void;
  /** Ends a unit whose process must not run on; gives whether it is one. */
  condemned: (reason: string) => boolean = () => false;
  // Properties, so that each can be handed on by itself.
  /** Seconds since the epoch. */
  readonly now = (): number => this.environment.now();
  readonly log = (line: string): void => this.environment.log(line);
  /** The one place where the state changes: the change is logged in the service's note before anything else. */
  readonly dispatch = (event: StateEvent): void => {
    this.#state = forOthers(reduce(this.#state, event), this.definition);
    this.environment.record();
  };
  #state: ServiceState;

  constructor(
    definition: ServiceDefinition,
    environment: Environment,
    state: ServiceState,
    succeed: (heir: Child) => void,
  ) {
    this.definition = definition;
    this.environment = environment;
    this.succeed = succeed;
    this.#state = state;
    this.attendant = new Attendant(this);
  }

  get name(): string {
    return this.definition.provision[0];
  }

  get state(): ServiceState {
    return this.#state;
  }

  get host(): Host {
    return this.environment.host;
  }

  /**
   * In how many seconds it would be started again at once if it ended then, with nobody to be asked; undefined: not as things
   * are. What is above 0 is for its respawn limit.
   */
  get respawnsAtOnceIn(): number | undefined {
    if (this.replacement !== undefined || this.obsolete) return undefined;
    if (!respawnsUnasked(this.definition, this.#state)) return undefined;
    return respawnAllowedIn(this.#state.lastRespawns, this.definition.respawnLimit, this.now());
  }

  /** For work that no client asked for: its lines go to the log alone. */
  background(): Request {
    return new Request(this.log, () => undefined);
  }

  /** The start as data, where it is a constructor's and no function. */
  get builtinStart(): BuiltinStart | undefined {
    return this.definition.start[builtin];
  }

  /** Notes what somebody asked for and has not begun, so that a next daemon goes on with that. */
  want(wanted: Wanted | undefined): void {
    if (this.#state.wanted !== wanted) this.dispatch({ type: "want", wanted, time: this.now() });
    this.closeIfDown();
  }

  /** The sockets of a service outlive its process, and a stop that a start follows, but not the service. */
  closeIfDown(): void {
    if (!isDown(this.#state)) return;
    this.host.sockets.close(this.name);
    this.host.cgroups.release(this.name);
    leaveConsole(this.host, this.name);
    this.attendant.close();
  }

  /**
   * Spawns a process that belongs to the service, which starts, runs or stops; no crash may separate it from its note.
   * @param made which step it is of a unit's start, reload or stop
   */
  spawn(id: string, spec: SpawnSpec, step?: Step, made?: string): Child {
    const { outbox, processes } = this.host;
    const child = outbox.together(() => {
      this.dispatch({ type: "spawned", child: id, ...(made === undefined ? {} : { step: made }) });
      return processes.spawn(id, spec, step);
    });
    this.follow(child);
    return child;
  }

  /** Notes the end of a process that belongs to the service and is not its running value. */
  follow(child: Child): void {
    const { id } = child;
    child.onEnd = ({ pid, status, time, failure }) => {
      if (!this.#state.processes.some((one) => one.id === id)) return;
      const end = { pid, start: child.start, status, time, ...(failure === undefined ? {} : { failure }) };
      this.dispatch({ type: "own-process-ended", id, end });
    };
  }

  /** The process that an earlier daemon's start, or its stop, had made last, dead or alive. */
  begun(by: "start" | "stop"): Child | undefined {
    const made = this.#state.processes.find((one: OwnProcess) => (one.stop ?? false) === (by === "stop"));
    if (made === undefined) return undefined;
    const { processes } = this.host;
    return (
      processes.get(made.id) ?? (made.end === undefined ? undefined : processes.remember(made.id, made.end))
    );
  }
}

/** How a service has ended is kept only where something follows of it for others. */
function forOthers(state: ServiceState, { relations }: ServiceDefinition): ServiceState {
  if (state.ownEnd === undefined) return state;
  const { onFailure, onSuccess, propagatesStopTo } = relations ?? {};
  const isOfUse = (state.ownEnd === "failure" ? onFailure : onSuccess) ?? propagatesStopTo;
  return isOfUse === undefined ? { ...state, ownEnd: undefined } : state;
}
