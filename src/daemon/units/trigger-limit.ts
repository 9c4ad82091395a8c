// How often a unit may start another one within some time. It is forgotten with the daemon: a new one takes longer to come
// up than what it limits goes round.

import type { States } from "../constructors/host.js";
import { builtin } from "../definition/types.js";

export interface TriggerLimitSettings {
  /** 0: there is no limit. */
  readonly burst: number;
  /** 0: there is no limit. */
  readonly seconds: number;
}

/** As often as a unit may be started at all: whoever starts it more often gives up. */
export function startLimitOf(states: States, service: string): TriggerLimit {
  const definition = states.of(service)?.definition;
  const isUnit = definition?.start[builtin]?.kind === "unit";
  const limit = isUnit ? definition.respawnLimit : false;
  return new TriggerLimit(
    limit === false ? { burst: 0, seconds: 0 } : { burst: limit.times, seconds: limit.seconds },
  );
}

export class TriggerLimit {
  readonly #burst: number;
  readonly #window: number;
  readonly #now: () => number;
  /** When those within the window were, oldest first. */
  #times: number[] = [];

  /** @param now milliseconds of a clock that nobody sets */
  constructor({ burst, seconds }: TriggerLimitSettings, now: () => number = () => performance.now()) {
    this.#burst = burst;
    this.#window = seconds * 1000;
    this.#now = now;
  }

  /** Counts one, and gives whether it is allowed. */
  take(): boolean {
    if (this.#burst <= 0 || this.#window <= 0) return true;
    const now = this.#now();
    this.#times = this.#times.filter((time) => time > now - this.#window);
    if (this.#times.length >= this.#burst) return false;
    this.#times.push(now);
    return true;
  }
}
