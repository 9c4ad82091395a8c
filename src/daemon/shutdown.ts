// The end of the system: services in parallel, dependents first, under one overall deadline which the keeper holds;
// then the keeper terminates whatever is left and ends.

import type { Host } from "./constructors/host.js";
import { signalAhead } from "./constructors/kill.js";
import type { Controller } from "./controller/controller.js";
import { errorText } from "./error-text.js";
import type { Ending } from "./keeper/types.js";
import type { DaemonLog } from "./log.js";
import type { Notes, ShutdownNote } from "./notes.js";
import type { Outbox } from "./outbox.js";
import { tellManager } from "./readiness/manager.js";
import { Request } from "./request.js";
import type { Supervisor } from "./supervisor.js";

export interface ShutdownParts {
  readonly supervisor: Supervisor;
  readonly root: Controller;
  readonly outbox: Outbox;
  readonly notes: Notes;
  readonly log: DaemonLog;
  readonly host: Host;
  /** Seconds for all of it. */
  timeout(): number;
  /** The container's exit code as far as it is known. */
  exitCode(): number | undefined;
  /** Resolves when every reply under way was handed to the kernel, or after `limit` ms. */
  answered(limit: number): Promise<void>;
  /** Resolves when every line written so far is where it belongs. */
  drainLogs(): Promise<void>;
}

/** What the last steps may take, in ms, on top of the services' share. */
const closing = 1000;
/** Seconds that what is left gets between TERM and KILL. */
const lastGrace = 2;

export class Shutdown {
  readonly #parts: ShutdownParts;
  #under: { readonly stopped: Promise<void> } | undefined;

  constructor(parts: ShutdownParts) {
    this.#parts = parts;
  }

  get begun(): boolean {
    return this.#under !== undefined;
  }

  /**
   * Stops everything and ends; resolves when the services are stopped, just before the end, so that who asked can
   * be answered. A second call joins the first.
   */
  begin(how: Ending, request: Request): Promise<void> {
    const timeout = this.#parts.timeout();
    const code = this.#parts.exitCode() ?? 0;
    return this.#begin({ how, code, deadline: Date.now() / 1000 + timeout }, request);
  }

  /** Goes on with a shutdown that an earlier daemon had begun. */
  resume(note: ShutdownNote): Promise<void> {
    return this.#begin(note, new Request((line) => this.#parts.log.info(line)));
  }

  #begin(note: ShutdownNote, request: Request): Promise<void> {
    if (this.#under !== undefined) return this.#under.stopped;
    const { supervisor, outbox, notes, log } = this.#parts;
    supervisor.goDown();
    // Never more than all of it, however the clock was set since an earlier daemon began.
    const left = Math.min(Math.max(0, note.deadline * 1000 - Date.now()), this.#parts.timeout() * 1000);
    notes.putShutdown(note);
    outbox.tell((text) => log.error(text), {
      op: "begin-shutdown",
      deadline: Math.round(left) + closing + lastGrace * 1000,
      how: note.how,
      code: note.code,
    });
    tellManager(outbox, "STOPPING=1", (text) => log.error(text));
    log.info("Exiting shepherd...");
    const stopped = this.#stopServices(left, request);
    this.#under = { stopped };
    stopped
      .then(() => this.#finish(note))
      .catch((error: unknown) => log.error(`cannot finish: ${errorText(error)}`));
    return stopped;
  }

  async #stopServices(left: number, request: Request): Promise<void> {
    const { supervisor, root, log, host } = this.#parts;
    let timer: NodeJS.Timeout | undefined;
    const expired = new Promise<"expired">((resolve) => {
      timer = setTimeout(() => resolve("expired"), left);
    });
    // It is noted in the same step what for: whoever ends from now on is not started again.
    const stopped = supervisor.stopAll(root, request, (first) => signalAhead(host, first));
    const outcome = await Promise.race([stopped, expired]);
    clearTimeout(timer);
    if (outcome === "expired") log.warn("The time for the shutdown is over; what still runs is killed.");
  }

  async #finish(note: ShutdownNote): Promise<void> {
    const { log, answered, outbox, drainLogs, exitCode } = this.#parts;
    // Whoever asked is answered in this turn; the answer must be out before we go.
    await new Promise((resolve) => setImmediate(resolve));
    await answered(closing / 2);
    log.info("Exiting.");
    await log.flushed(closing / 2);
    await drainLogs().catch((error: unknown) => log.error(String(error)));
    const code = note.how === "exit" ? (exitCode() ?? note.code) : 0;
    await outbox.post({ op: "finish", how: note.how, code, grace: lastGrace });
  }
}
