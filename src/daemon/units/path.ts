// A path unit that starts and runs: when something comes to be, or is changed, at one of its paths, its unit is started.

import { mkdir } from "node:fs/promises";
import { serviceNameOf } from "../../../systemd-compat/translate/service-names.js";
import type { Attendance, Host, RunningContext, StartContext } from "../constructors/host.js";
import type { RunningValue } from "../definition/types.js";
import { errorText } from "../error-text.js";
import { admit } from "./admission.js";
import { isStartable } from "./down.js";
import { isForChanges, isThere, stateOf } from "./path-check.js";
import { PathWatcher } from "./path-watch.js";
import { startLimitOf, TriggerLimit } from "./trigger-limit.js";
import { startTriggered, triggeredService } from "./triggered.js";
import type { PathWatch, UnitPathData } from "./types.js";

/** How long after an event, in ms, it is looked what has happened: there are many when a file is written. */
const settling = 50;
/** For how long, in ms, nobody must have written to a file of PathChanged=: the writing has to be over. */
const quiet = 200;

/** The running value of a path unit's service. */
export type UnitPathState = {
  readonly type: "unit-path";
  /** The unit that it starts. */
  readonly starts: string;
  /** `running`: its unit was started, or was up already, and is not down again. */
  readonly phase: "waiting" | "running";
  /** What was seen at the paths that are watched for changes, by index, when it began to wait. */
  readonly seen: Readonly<Record<string, string>>;
};

export async function startUnitPath(
  host: Host,
  context: StartContext,
  data: UnitPathData,
): Promise<RunningValue> {
  await admit(host, data);
  const service = triggeredService(host, data.starts);
  if (data.makeDirectory) await makeDirectories(data, context.say);
  const phase = isStartable(host.states, service) ? "waiting" : "running";
  const state: UnitPathState = { type: "unit-path", starts: data.starts, phase, seen: await look(data) };
  return state;
}

/** What `startUnitPath` has begun, or an earlier daemon has left. */
export function attendUnitPath(
  host: Host,
  context: RunningContext,
  data: UnitPathData,
): Attendance | undefined {
  const value = context.value();
  if (isUnitPath(value)) return new UnitPathAttendance(host, context, data, value);
  context.failed("its running value is not a path unit's");
  return undefined;
}

function isUnitPath(value: RunningValue): value is UnitPathState {
  return typeof value === "object" && value !== null && "type" in value && value.type === "unit-path";
}

async function makeDirectories(data: UnitPathData, say: (line: string) => void): Promise<void> {
  for (const { kind, path } of data.watches) {
    if (kind === "PathExists" || kind === "PathExistsGlob") continue;
    try {
      await mkdir(path, { recursive: true, mode: data.directoryMode });
    } catch (error) {
      // Something else may be there, which is watched then.
      say(`Directory ${path} cannot be made: ${errorText(error)}`);
    }
  }
}

async function look({ watches }: UnitPathData): Promise<Readonly<Record<string, string>>> {
  const seen: Record<string, string> = {};
  for (const [index, watch] of watches.entries())
    if (isForChanges(watch)) seen[String(index)] = await stateOf(watch.path);
  return seen;
}

/**
 * What it has seen is in the running value: changes that come while there is no daemon are seen by the next one. Changes
 * that come while its unit runs, which may be that unit's own, start nothing, as with systemd.
 */
class UnitPathAttendance implements Attendance {
  readonly #host: Host;
  readonly #context: RunningContext;
  readonly #data: UnitPathData;
  readonly #service: string;
  readonly #limit: TriggerLimit;
  readonly #starts: TriggerLimit;
  readonly #watchers: readonly PathWatcher[];
  readonly #forget: () => void;
  #state: UnitPathState;
  #closed = false;
  #starting = false;
  #looking = false;
  /** Whether something happened while it was looked. */
  #again = false;
  #settled: NodeJS.Timeout | undefined;
  #quiet: NodeJS.Timeout | undefined;

  constructor(host: Host, context: RunningContext, data: UnitPathData, state: UnitPathState) {
    this.#host = host;
    this.#context = context;
    this.#data = data;
    this.#state = state;
    this.#service = serviceNameOf(data.starts);
    this.#limit = new TriggerLimit(data.triggerLimit ?? { burst: 0, seconds: 0 });
    this.#starts = startLimitOf(host.states, this.#service);
    this.#watchers = data.watches.map((watch) => {
      const isPatient = watch.kind === "PathChanged";
      return new PathWatcher(watch.path, () => (isPatient ? this.#lookWhenQuiet() : this.#lookSettled()));
    });
    this.#forget = host.states.watch(this.#service, () => this.#lookSoon());
    this.#lookSoon();
  }

  close(): void {
    this.#closed = true;
    this.#disarm();
    this.#forget();
    this.#unwatch();
  }

  #unwatch(): void {
    for (const watcher of this.#watchers) watcher.close();
  }

  #disarm(): void {
    clearTimeout(this.#settled);
    clearTimeout(this.#quiet);
    this.#settled = undefined;
    this.#quiet = undefined;
  }

  #lookSettled(): void {
    if (!this.#closed) this.#settled ??= setTimeout(() => this.#lookSoon(), settling);
  }

  /** Each further event puts it off. */
  #lookWhenQuiet(): void {
    if (this.#closed) return;
    clearTimeout(this.#quiet);
    this.#quiet = setTimeout(() => this.#lookSoon(), quiet);
  }

  #lookSoon(): void {
    this.#disarm();
    if (this.#closed) return;
    if (this.#looking) {
      this.#again = true;
      return;
    }
    this.#looking = true;
    this.#look()
      .catch((error: unknown) => {
        if (!this.#closed) this.#context.failed(`watch its paths: ${errorText(error)}`);
      })
      .finally(() => {
        this.#looking = false;
        if (!this.#again) return;
        this.#again = false;
        this.#lookSoon();
      })
      .catch((error: unknown) => this.#host.report(errorText(error)));
  }

  async #look(): Promise<void> {
    const { phase } = this.#state;
    if (this.#starting || !isStartable(this.#host.states, this.#service)) {
      this.#unwatch();
      if (phase === "waiting") this.#change({ ...this.#state, phase: "running" });
      return;
    }
    if (phase === "running") await this.#beginToWait();
    if (this.#closed) return;
    // Watched first: what comes while it is looked has it looked again.
    for (const watcher of this.#watchers) watcher.renew();
    const found = await this.#found();
    if (found !== undefined && !this.#closed && isStartable(this.#host.states, this.#service))
      this.#trigger(found);
  }

  async #beginToWait(): Promise<void> {
    const seen = await look(this.#data);
    if (!this.#closed) this.#change({ ...this.#state, phase: "waiting", seen });
  }

  async #found(): Promise<PathWatch | undefined> {
    for (const [index, watch] of this.#data.watches.entries()) {
      if (isForChanges(watch)) {
        if ((await stateOf(watch.path)) !== this.#state.seen[String(index)]) return watch;
      } else if (await isThere(watch)) return watch;
    }
    return undefined;
  }

  /** That it was triggered, and that its unit is to be started, is one step: the next daemon goes on with both. */
  #trigger({ kind, path }: PathWatch): void {
    const host = this.#host;
    const { name } = this.#context;
    if (!this.#limit.take() || !this.#starts.take()) {
      this.#context.failed(`it has started service ${this.#service} too often within a short time`);
      return;
    }
    this.#unwatch();
    this.#starting = true;
    host.outbox.together(() => {
      this.#change({ ...this.#state, phase: "running" });
      this.#context.log(`Path '${name}' starts service ${this.#service} (${kind}=${path}).`);
      startTriggered(host, this.#service, `path ${name}`, () => {
        this.#starting = false;
        this.#lookSoon();
      });
    });
  }

  /** The one place where the state changes. */
  #change(state: UnitPathState): void {
    this.#state = state;
    this.#context.change(state);
  }
}
