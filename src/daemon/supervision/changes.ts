// Waiting for the next change of a service's state, without asking anything of the service.

import type { Controller } from "../controller/controller.js";

export class Changes {
  readonly #waiting = new Map<Controller, { readonly next: Promise<void>; readonly resolve: () => void }>();

  /** Resolves when the state is another one than now. */
  next(controller: Controller): Promise<void> {
    const found = this.#waiting.get(controller);
    if (found !== undefined) return found.next;
    let resolve = (): void => undefined;
    const next = new Promise<void>((done) => {
      resolve = done;
    });
    this.#waiting.set(controller, { next, resolve });
    return next;
  }

  /** Resolves when no stop of the service is under way, nor the end of a start that was given up. */
  async stopped(controller: Controller): Promise<void> {
    while (isStopping(controller)) await this.next(controller);
  }

  changed(controller: Controller): void {
    this.#waiting.get(controller)?.resolve();
    this.#waiting.delete(controller);
  }
}

/** Whether it is being stopped, or a start of it given up. */
export function isStopping({ state: { status }, isEnding }: Controller): boolean {
  return status === "stopping" || (status === "starting" && isEnding);
}
