// What we exit with: as the service that decides about it has ended, if there is one, or as we were told.

import { constants } from "node:os";
import type { Controller } from "./controller/controller.js";
import { isProcess } from "./controller/running-value.js";
import type { ServiceState } from "./controller/state.js";
import { decodeWaitStatus } from "./processes.js";

export class ExitCode {
  readonly #deciding: () => Controller | undefined;
  /** Once it is known here; an earlier daemon may have noted it. */
  #known: number | undefined;

  /** @param deciding the service whose end decides about ours */
  constructor(deciding: () => Controller | undefined) {
    this.#deciding = deciding;
  }

  set(code: number): void {
    this.#known = code;
  }

  /** The service that decides has ended. */
  follow({ state }: Controller): void {
    this.#known = exitCodeOf(state);
  }

  /** When everything has ended; a service that decides and was still running when the time was over is killed: 128 and 9. */
  final(): number | undefined {
    const state = this.#deciding()?.state;
    if (isProcess(state?.value)) return 128 + constants.signals.SIGKILL;
    if (this.#known !== undefined) return this.#known;
    // As an earlier daemon saw it.
    if (state?.status !== "stopped" || state.exitStatuses.length === 0) return undefined;
    return exitCodeOf(state);
  }
}

/** As a container runtime wants it: the exit code, or 128 and the signal. */
function exitCodeOf(state: ServiceState): number {
  const last = state.exitStatuses[0];
  if (last === undefined) return 0;
  const { signal, exitCode } = decodeWaitStatus(0, last.status);
  return signal === undefined ? (exitCode ?? 0) : 128 + signal;
}
