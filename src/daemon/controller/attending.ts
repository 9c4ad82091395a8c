// What is done for a service while it runs: its process is followed, one that has none is attended to, and what lived in an
// earlier daemon is made again.

import { attendBuiltin } from "../constructors/builtin.js";
import type { Attendance, RunningContext } from "../constructors/host.js";
import { shownCommand } from "../definition/secrets.js";
import type { ProcessReference, RunningValue } from "../definition/types.js";
import { errorText } from "../error-text.js";
import { type Child, decodeWaitStatus, type End } from "../processes.js";
import { timerProcedure } from "../timers/types.js";
import { RuntimeLimit } from "../units/runtime-limit.js";
import { runAsUserCode } from "../user-code.js";
import { unitRun } from "./context.js";
import type { Core } from "./core.js";
import type { Ending } from "./ending.js";
import { formatValue } from "./format.js";
import { checked } from "./made-value.js";
import { durable, isProcess } from "./running-value.js";

export class Attending {
  readonly #core: Core;
  readonly #ending: Ending;
  #attendance: Attendance | undefined;
  #runtime: RuntimeLimit | undefined;
  #resuming: Promise<void> | undefined;

  constructor(core: Core, ending: Ending) {
    this.#core = core;
    this.#ending = ending;
  }

  /** What is done for a service that runs without a process. */
  get attendance(): Attendance | undefined {
    return this.#attendance;
  }

  /** Pending while user code makes again what lived in an earlier daemon; never rejects. */
  get resuming(): Promise<void> | undefined {
    return this.#resuming;
  }

  /** Follows the process of a running value; one that has ended already is handled at once. */
  watch(value: RunningValue): void {
    this.#limitRuntime();
    if (!isProcess(value)) {
      this.#attend();
      return;
    }
    const { processes } = this.#core.host;
    const child = processes.get(value.id);
    if (child !== undefined) {
      child.onEnd = (end) => this.#ending.processEnded(end);
      this.#core.attendant.begin(value);
      return;
    }
    // It ended before it was known to be ours.
    const status = this.#core.state.mainStatus ?? 0;
    const unknown = { ...decodeWaitStatus(value.pid, status), time: this.#core.now() };
    this.#ending.processEnded(processes.recentEnd(value.id) ?? unknown);
  }

  /** The service is being stopped, or is over. */
  close(): void {
    this.#runtime?.end();
    this.#runtime = undefined;
    this.#attendance?.close();
    this.#attendance = undefined;
    this.#core.attendant.end();
  }

  /** A process that the one before has named (MAINPID) is the service's from now on. */
  succeed(heir: Child): void {
    const core = this.#core;
    const { status, value } = core.state;
    if (!isProcess(value) || status !== "running") return;
    const { id, pid, start } = heir;
    const next: ProcessReference = { ...value, id, pid, start };
    const former = core.host.processes.get(value.id);
    const before = former === undefined ? {} : { former: former.id };
    core.dispatch({ type: "succeeded", value: next, child: id, ...before });
    if (former !== undefined) core.follow(former);
    core.log(`Service ${core.name} running with value ${formatValue(next)}.`);
    this.watch(next);
  }

  /** Goes on, in a new daemon, with a service that ran in an earlier one. */
  resume(value: RunningValue): void {
    const core = this.#core;
    this.watch(value);
    const { resume } = core.definition;
    if (resume === undefined || core.state.status !== "running") return;
    this.#resuming = runAsUserCode(`resume of service ${core.name}`, undefined, () => resume(value))
      .then((made) => {
        // It may have ended meanwhile, and run again by now.
        if (made === undefined || core.state.value !== value) return;
        core.dispatch({ type: "value-changed", value: checked(core, durable(made)) });
      })
      .catch((error: unknown) => {
        if (core.state.value !== value) return;
        // What lived in the earlier daemon is gone for good.
        const reason = errorText(error);
        this.#end(`Service ${core.name} could not be resumed: ${reason}`, `resume: ${reason}`);
      })
      .finally(() => {
        this.#resuming = undefined;
      });
  }

  /** RuntimeMaxSec= of a unit. */
  #limitRuntime(): void {
    const core = this.#core;
    const run = unitRun(core);
    if (run === undefined || this.#runtime !== undefined) return;
    this.#runtime = new RuntimeLimit(run, (reason) => {
      if (core.state.status !== "running") return;
      core.log(`Service ${core.name}: ${reason}.`);
      this.#ending.unitEnded({ of: "run", result: "timeout", reason, commands: true });
    });
  }

  #attend(): void {
    const core = this.#core;
    const data = core.builtinStart;
    if (data === undefined) return;
    const begun = core.begun("start");
    if (begun !== undefined && data.kind === "systemd") {
      // An earlier daemon had spawned it and did not come to know its pid.
      this.#become(begun, shownCommand(data.command, data.options));
      return;
    }
    this.#attendance = attendBuiltin(core.host, this.#context(), data);
  }

  #context(): RunningContext {
    const core = this.#core;
    const { name, host, attendant, definition } = core;
    const call = definition.start[timerProcedure];
    return {
      name,
      attendant,
      become: (id, spec, command) => {
        const child = core.spawn(id, spec);
        this.#become(child, command);
        return child;
      },
      failed: (reason) => this.#end(`Service ${name} failed: ${reason}`, reason),
      ended: () => {
        if (core.state.status === "running")
          this.#ending.unitEnded({ of: "run", result: "success", commands: true });
      },
      value: () => core.state.value ?? true,
      change: (value, ended) => {
        const { leaders } = core.state;
        const gone = ended === undefined ? {} : { child: ended.id, leader: ended };
        core.dispatch({ type: "value-changed", value, ...gone });
        if (core.state.leaders !== leaders) this.#ending.clearAway();
      },
      spawn: (id, spec, onEnd) => this.#tellEnd(core.spawn(id, spec), onEnd),
      follow: (id, onEnd) => {
        const child = host.processes.get(id);
        if (child === undefined) return undefined;
        core.follow(child);
        return this.#tellEnd(child, onEnd);
      },
      finish: () => core.environment.finish(),
      log: core.log,
      procedure: call === undefined ? undefined : { call, retryable: definition.retryable },
    };
  }

  /** Whoever attends to the service is told of the end, unless the service is being stopped: then it is noted. */
  #tellEnd(child: Child, onEnd: (end: End) => void): Child {
    const { onEnd: noteEnd } = child;
    child.onEnd = (end) => {
      if (this.#core.state.status === "running") onEnd(end);
      else noteEnd?.(end);
    };
    return child;
  }

  /** A service that ran without a process has one from now on, which is its value once its pid is known. */
  #become(child: Child, command: readonly string[]): void {
    const core = this.#core;
    child.started.catch((error: unknown) => core.log(`Service ${core.name}: ${errorText(error)}`));
    child.answered
      .then(() => {
        // A stop that came meanwhile ends it.
        if (core.state.status !== "running") return;
        const { id, pid, start, end } = child;
        const value: ProcessReference = { type: "process", id, pid, start, command };
        core.dispatch({ type: "value-changed", value, child: id });
        core.log(`Service ${core.name} running with value ${formatValue(value)}.`);
        if (end === undefined) this.watch(value);
        else this.#ending.processEnded(end);
      })
      .catch((error: unknown) => core.host.report(errorText(error)));
  }

  /** A service that has no process cannot run on. */
  #end(line: string, reason: string): void {
    if (this.#core.state.status !== "running") return;
    this.#core.log(line);
    this.close();
    this.#ending.endedWithoutProcess(reason);
  }
}
