// What is done for a unit that runs without a process that is known to be its main one.

import { watch } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { serviceType } from "../../../systemd-compat/unit-checks.js";
import type { Attendance, Host, RunningContext } from "../constructors/host.js";
import { errorText } from "../error-text.js";
import { decode } from "./encoded.js";
import { livesOn } from "./main-process.js";
import type { UnitData } from "./types.js";

/** How often is looked, in ms, whether something of it lives: with a cgroup the kernel tells. */
const intervals = { cgroup: 30_000, none: 1000 } as const;
/** After how many ms it is believed that nothing lives. */
const doubt = 100;

/**
 * Of Type=forking: watches for the end of the last of its processes, none of which is known to be the main one. Other units
 * without a process, such as one-shots with RemainAfterExit=, run until they are stopped.
 */
export function attendUnit(host: Host, context: RunningContext, data: UnitData): Attendance | undefined {
  const service = decode(data.service);
  if (serviceType(service) !== "forking" || service.RemainAfterExit === true) return undefined;
  const over = new AbortController();
  const { name } = context;
  const watchOver = async (): Promise<void> => {
    for (;;) {
      // Before it is looked: what changes meanwhile is not missed.
      const change = nextChange(host.cgroups.pathOf(name), over.signal);
      try {
        if (await isEmpty({ host, name })) break;
        await change.come;
      } finally {
        change.close();
      }
    }
    if (!over.signal.aborted) context.ended();
  };
  watchOver().catch((error: unknown) => {
    if (!over.signal.aborted) host.report(`while watching over ${name}: ${errorText(error)}`);
  });
  return { close: () => over.abort() };
}

/** Looked at twice: one that was just left behind may not be the keeper's yet. */
async function isEmpty(run: { readonly host: Host; readonly name: string }): Promise<boolean> {
  if (await livesOn(run, 0)) return false;
  await delay(doubt);
  return !(await livesOn(run, 0));
}

interface Change {
  /** Resolves when something has changed, or it is time to look again; rejects when the signal is aborted. */
  readonly come: Promise<void>;
  close(): void;
}

function nextChange(cgroup: string | undefined, signal: AbortSignal): Change {
  const again = new AbortController();
  const watcher =
    cgroup === undefined
      ? undefined
      : watch(join(cgroup, "cgroup.events"), { persistent: false }, () => again.abort());
  watcher?.on("error", () => again.abort());
  const come = delay(cgroup === undefined ? intervals.none : intervals.cgroup, undefined, {
    signal: AbortSignal.any([signal, again.signal]),
    ref: false,
  })
    .catch(() => undefined)
    .then(() => signal.throwIfAborted());
  // It may be closed before anybody waits for it.
  come.catch(() => undefined);
  return {
    come,
    close: () => {
      again.abort();
      watcher?.close();
    },
  };
}
