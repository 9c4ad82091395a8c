// What follows the end of a service that nobody has stopped: its remains are ended, its termination handler decides,
// and it is respawned under its limit, or stays stopped.

import { basename } from "node:path";
import type { RunningValue, TerminationDecision } from "../definition/types.js";
import { errorText } from "../error-text.js";
import { type Child, decodeWaitStatus, describeTermination, type End } from "../processes.js";
import { describeEnd, mainRole, resultOf } from "../units/result.js";
import type { UnitRun } from "../units/run.js";
import { heirOf } from "../units/runtime.js";
import { runAsUserCode } from "../user-code.js";
import { unitRun } from "./context.js";
import type { Core } from "./core.js";
import { clearAway } from "./remains.js";
import { respawnLimitHit } from "./respawn.js";
import { isProcess } from "./running-value.js";
import type { Aftermath, Leader } from "./state.js";

export class Ending {
  readonly #core: Core;
  #respawnTimer: NodeJS.Timeout | undefined;
  #respawnSoon: NodeJS.Immediate | undefined;
  #cleanup: Promise<void> = Promise.resolve();
  /** A unit's run is over; what follows is noted in this turn. */
  unitEnded: (aftermath: Aftermath) => void = () => undefined;
  /** Goes on with a start of which the process is there, as its note tells. */
  goOn: () => void = () => undefined;

  constructor(core: Core) {
    this.#core = core;
  }

  /** Settles when nothing is left of what died by itself; a new start waits for that. */
  get cleanup(): Promise<void> {
    return this.#cleanup;
  }

  /** The process of this service ended, expected or not. Runs in the turn that acknowledges the event. */
  processEnded(end: End): void {
    this.#processEnded(end);
    // The log writer was told before the successor was spawned, whose lines they are from then on.
    if (end.successor !== undefined && this.#core.state.status === "starting") return;
    // Last, so that what a respawn at once orders of the log writer goes with it.
    this.#core.host.logs.ended(this.#core.name);
  }

  #processEnded(end: End): void {
    const core = this.#core;
    core.attendant.end();
    const { status, value, condition } = core.state;
    const unit = unitRun(core);
    if (unit !== undefined) {
      this.#mainEnded(unit, end);
      return;
    }
    if (status !== "running") {
      core.dispatch({ type: "process-ended", time: end.time, status: end.status });
      // The stop came too late for its successor, and ends that too before it is over.
      if (status === "stopping" && end.successor !== undefined) this.#take(end.successor);
      return;
    }
    if (end.status !== 0) core.log(`Service ${core.name} (PID ${end.pid}) ${describeTermination(end)}.`);
    if (end.successor !== undefined && core.environment.mayBeSucceeded()) {
      this.#goOnWith(end, end.successor);
      return;
    }
    const leader = this.#leaves(end, value);
    // What has just become wrong is ended as what was left behind.
    if (end.successor !== undefined) core.follow(end.successor);
    core.dispatch({
      type: "process-ended",
      time: end.time,
      status: end.status,
      ...(leader === undefined ? {} : { leader }),
    });
    this.clearAway();
    const handler = core.definition.terminationHandler;
    const applied = core.replacement !== undefined;
    core.environment.stopped(true);
    if (core.environment.shuttingDown()) return;
    if (condition.condemned !== undefined) {
      // Ours was the decision to end it.
      this.follow("respawn");
      return;
    }
    if (handler === undefined || applied || value === undefined) {
      this.follow("default");
      return;
    }
    // Should the handler not live to decide, the next daemon does the usual.
    core.dispatch({ type: "decision", undecided: true });
    if (core.definition.respawn && core.state.enabled && !core.definition.transient)
      core.dispatch({ type: "respawn-scheduled", at: core.now() + core.definition.respawnDelay });
    const service = { name: core.name, value };
    runAsUserCode(`termination handler of service ${core.name}`, undefined, () => handler(service, end)).then(
      (decision) => this.#decided(decision),
      (error: unknown) => {
        core.log(`The termination handler of service ${core.name} failed: ${errorText(error)}`);
        this.#decided("default");
      },
    );
  }

  /** Whoever leads what is to be ended now that the service's process has; undefined where nothing can be left. */
  #leaves({ alone, successor }: End, value: RunningValue | undefined): Leader | undefined {
    const { host, name } = this.#core;
    if (successor !== undefined) return { id: successor.id, pid: successor.pid };
    // Without a cgroup what it has left behind on purpose is let live.
    const leftNothing = alone === true && host.cgroups.pathOf(name) === undefined;
    return isProcess(value) && !leftNothing ? { id: value.id, pid: value.pid } : undefined;
  }

  /** The keeper has respawned it already: that is noted, and gone on with as with what an earlier daemon has begun. */
  #goOnWith({ time, status }: End, successor: Child): void {
    const core = this.#core;
    core.dispatch({ type: "process-ended", time, status });
    core.environment.stopped(true);
    core.log(`Respawning ${core.name}.`);
    core.dispatch({ type: "respawning", time: core.now() });
    core.log(`Starting service ${core.name}...`);
    core.dispatch({ type: "start", time: core.now(), arguments: [] });
    this.#take(successor);
    this.goOn();
  }

  /** A process that the keeper has spawned by itself is one of the service's. */
  #take(successor: Child): void {
    this.#core.dispatch({ type: "taken", child: successor.id });
    this.#core.follow(successor);
  }

  /** The main process of a unit ended: another one may have taken its place. */
  #mainEnded(run: UnitRun, end: End): void {
    const core = this.#core;
    const { status, value, mainStatus } = core.state;
    // An earlier daemon may have come as far as this.
    if (status !== "running" || mainStatus === undefined)
      core.dispatch({ type: "process-ended", time: end.time, status: end.status, main: true });
    if (status !== "running") return;
    if (run.service.PIDFile === undefined || !isProcess(value)) {
      this.#runOver(run, end);
      return;
    }
    heirOf(run, value)
      .then((heir) => {
        // A stop that came meanwhile ends both.
        if (core.state.status !== "running" || core.state.value !== value) return;
        if (heir === undefined || heir.end !== undefined) {
          this.#runOver(run, end);
          return;
        }
        core.succeed(heir);
        const label = run.service.SyslogIdentifier ?? basename(value.command[0] ?? "");
        core.host.logs.label(core.name, label, heir.pid);
      })
      .catch((error: unknown) => core.host.report(errorText(error)));
  }

  /** The run of a unit has an aftermath, unless the unit stays without its main process. */
  #runOver({ service }: UnitRun, end: End): void {
    const core = this.#core;
    const { condition } = core.state;
    const [command] = service.ExecStart ?? [];
    const told = resultOf(end.status, mainRole(service), service.SuccessExitStatus);
    const own = command?.ignoreFailure === true ? "success" : told;
    const result = condition.condemned === undefined ? own : "watchdog";
    const how = `its main process (PID ${end.pid}) ${describeEnd(end)}`;
    if (end.status !== 0) core.log(`Service ${core.name}: ${how}.`);
    if (result === "success" && service.RemainAfterExit === true) {
      core.dispatch({ type: "value-changed", value: true });
      return;
    }
    const reason = condition.condemned?.reason ?? how;
    // What it would be asked to do by ExecStop= it has done, or cannot do any more.
    const commands = result === "success" ? { commands: true as const } : {};
    this.unitEnded({ of: "run", result, ...commands, ...(result === "success" ? {} : { reason }) });
  }

  /** A unit's run, or its start, is over with all that belongs to that: it is started again, or stays as it is. */
  followUnit(restarted: boolean, of: Aftermath["of"]): void {
    const core = this.#core;
    const { status, enabled } = core.state;
    if (status !== "stopped" || core.environment.shuttingDown()) return;
    if (restarted && enabled && !core.definition.transient && !core.obsolete) {
      this.scheduleRespawn();
      return;
    }
    this.cancelRespawn();
    core.closeIfDown();
    if (of === "run") core.environment.settled();
  }

  /** A service that runs without a process, and is attended to no longer, ends by itself. */
  endedWithoutProcess(reason: string): void {
    const core = this.#core;
    core.dispatch({ type: "ended", time: core.now(), reason });
    this.clearAway();
    core.environment.stopped(true);
    this.follow("default");
  }

  /** Ends what was left behind; it is noted until that is done, so that the next daemon does what this one does not come to. */
  clearAway(): void {
    const core = this.#core;
    const { host } = core;
    const { leaders } = core.state;
    if (leaders.length === 0) return;
    this.#cleanup = this.tellOutOfMemory()
      .then(() => clearAway(host, leaders))
      .catch((error: unknown) => host.report(`while ending what ${core.name} left behind: ${String(error)}`))
      .then(() => core.dispatch({ type: "cleared-away", leaders }))
      .then(() => core.closeIfDown());
  }

  /** The kernel kills without a word: its count, which goes with the cgroup, tells that it did. */
  async tellOutOfMemory(): Promise<void> {
    const core = this.#core;
    // One that goes on with another process than before has not ended for want of memory.
    if (core.state.status === "running") return;
    const [last] = core.state.exitStatuses;
    if (last === undefined || last.outOfMemory === true || !wasKilled(last.status)) return;
    const kills = await core.host.cgroups.oomKills(core.name);
    if (kills === 0) return;
    core.log(`Service ${core.name} ran out of memory: the kernel has killed ${kills} of its processes.`);
    core.dispatch({ type: "out-of-memory" });
  }

  /** Whoever started, stopped or disabled the service meanwhile has decided before its termination handler. */
  #decided(decision: TerminationDecision): void {
    if (this.#core.state.undecided) this.follow(decision);
  }

  /** Respawns a service that has ended, or leaves it stopped. */
  follow(decision: TerminationDecision): void {
    const core = this.#core;
    if (core.state.undecided) core.dispatch({ type: "decision", undecided: false });
    if (core.state.status !== "stopped" || core.environment.shuttingDown()) return;
    const respawn = decision === "respawn" || (decision === "default" && core.definition.respawn);
    // A transient or obsolete service is forgotten by now.
    if (respawn && core.state.enabled && !core.definition.transient && !core.obsolete) {
      this.scheduleRespawn();
      return;
    }
    this.cancelRespawn();
    core.closeIfDown();
    core.environment.settled();
  }

  /** Respawns after the delay, or disables a service that was respawned too often; a unit has failed then. */
  scheduleRespawn(): void {
    const core = this.#core;
    const now = core.now();
    const { respawnLimit, respawnDelay } = core.definition;
    if (core.builtinStart?.kind === "unit" && this.#startLimitHit(now)) {
      core.log(`Service ${core.name} has been started too often within a short time: it stays as it is.`);
      core.dispatch({ type: "result", result: "start-limit-hit" });
      this.cancelRespawn();
      core.closeIfDown();
      core.environment.settled();
      return;
    }
    if (respawnLimitHit(core.state.lastRespawns, respawnLimit, now)) {
      core.log(`Service ${core.name} has been disabled.`);
      core.log("  (Respawning too fast.)");
      this.disable("Respawning too fast.");
      core.environment.settled();
      return;
    }
    core.dispatch({ type: "respawn-scheduled", at: now + respawnDelay });
    this.#armRespawn(respawnDelay);
  }

  /** Of a unit the first start counts too. */
  #startLimitHit(now: number): boolean {
    const { lastRespawns, startedAt } = this.#core.state;
    const starts = [...lastRespawns, ...(startedAt === undefined ? [] : [startedAt])].sort((a, b) => b - a);
    return respawnLimitHit(starts, this.#core.definition.respawnLimit, now);
  }

  /** Waits on for a respawn that an earlier daemon has scheduled. */
  resumeRespawn(at: number): void {
    const core = this.#core;
    // Never longer than the delay, however the clock was set meanwhile.
    this.#armRespawn(Math.min(at - core.now(), core.definition.respawnDelay));
  }

  #armRespawn(seconds: number): void {
    const core = this.#core;
    const respawn = (): void => {
      core.log(`Respawning ${core.name}.`);
      // An earlier daemon may have died just after it had counted this one.
      if (!core.state.respawning) core.dispatch({ type: "respawning", time: core.now() });
      core.environment.respawn();
    };
    // A timer takes a millisecond at least.
    if (seconds <= 0) this.#respawnSoon = setImmediate(respawn);
    else this.#respawnTimer = setTimeout(respawn, seconds * 1000);
  }

  /** A start has begun, be it the respawn or another one: its own event drops what was scheduled. */
  disarmRespawn(): void {
    clearTimeout(this.#respawnTimer);
    clearImmediate(this.#respawnSoon);
  }

  /** Whoever stops or disables the service wants no respawn. */
  cancelRespawn(): void {
    const { respawnAt, undecided } = this.#core.state;
    if (respawnAt === undefined && !undecided) return;
    this.disarmRespawn();
    this.#core.dispatch({ type: "respawn-cancelled" });
  }

  disable(because?: string): void {
    this.cancelRespawn();
    this.#core.dispatch({ type: "disable", ...(because === undefined ? {} : { because }) });
    this.#core.closeIfDown();
  }
}

const SIGKILL = 9;

/** Killed itself, or a shell whose program was, which is how a service ends for want of memory. */
function wasKilled(status: number): boolean {
  const { signal, exitCode } = decodeWaitStatus(0, status);
  return signal === SIGKILL || exitCode === 128 + SIGKILL;
}
