// The reload of a unit that runs: its commands of ExecReload=, or a signal after which the process says that it is done.

import { serviceType } from "../../../systemd-compat/unit-checks.js";
import { type PhaseFailure, runPhase } from "./commands.js";
import { startTimeout } from "./defaults.js";
import { limitOf } from "./limit.js";
import { commandAdditions } from "./main-process.js";
import { livingMain, type UnitRun } from "./run.js";

const SIGHUP = 1;

/**
 * Reloads a unit, or goes on with that; resolves with why it failed, where it did. It runs on in any case.
 * @param signal aborted when the unit runs no more
 */
export async function reloadUnit(
  run: UnitRun,
  signal: AbortSignal,
  say: (line: string) => void,
): Promise<string | undefined> {
  const { service } = run;
  const commands = service.ExecReload ?? [];
  const timeout = startTimeout(service);
  let failure: PhaseFailure | undefined;
  try {
    if (commands.length > 0)
      failure = await runPhase(run, "reload", commands, {
        timeout,
        signal,
        say,
        additions: () => commandAdditions(run),
      });
    else if (serviceType(service) === "notify-reload") return await askAndWait(run, signal, timeout);
    return failure?.reason;
  } finally {
    for (const { id, end } of reloads(run)) {
      if (end === undefined) await killCommand(run, id);
      run.dispatch({ type: "disowned", child: id });
    }
  }
}

function reloads({ state }: UnitRun): UnitRun["state"]["processes"] {
  return state.processes.filter(({ step }) => step?.startsWith("reload ") === true);
}

/** One that takes too long is ended: the service itself goes on. */
async function killCommand({ host }: UnitRun, id: string): Promise<void> {
  const child = host.processes.get(id);
  if (child === undefined || child.end !== undefined) return;
  await host.processes.signal(id, 9, "process");
  await child.ended;
}

/** Type=notify-reload: RELOADING=1 and then READY=1 follow the signal. */
async function askAndWait(run: UnitRun, signal: AbortSignal, timeout: number): Promise<string | undefined> {
  const { attendant, host } = run;
  const main = livingMain(run);
  if (main === undefined) return "its main process does not run";
  run.dispatch({ type: "told", told: { ready: undefined, reloading: undefined } });
  const limit = limitOf(run, `${main.id}/reload`, timeout);
  try {
    await host.processes.signal(main.id, SIGHUP, "process");
    while (!attendant.isReady()) {
      signal.throwIfAborted();
      if (limit.isOver) return `its main process has not said READY=1 within ${timeout} s`;
      await Promise.race([attendant.bell.next(), limit.over, main.ended]);
      if (main.end !== undefined) return "its main process has ended";
    }
    return undefined;
  } finally {
    limit.end();
  }
}
