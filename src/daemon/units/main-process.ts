// The main process of a unit's service: spawned by ExecStart=, or left behind by it; and when it is ready.

import { constants } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { serviceType } from "../../../systemd-compat/unit-checks.js";
import { isPopulated, listedProcesses } from "../cgroups/tree.js";
import { mainOf, type StartContext } from "../constructors/host.js";
import { removePidFile, waitForPidFile } from "../constructors/pid-file.js";
import { errorText } from "../error-text.js";
import { type Child, SpawnError } from "../processes.js";
import { untilReady } from "../readiness/start.js";
import { findSurvivors, processStat } from "../survivors.js";
import { untilBusName } from "./bus.js";
import {
  type Additions,
  type Begun,
  commandText,
  failureOf,
  goOn,
  type PhaseFailure,
  spawnCommand,
  untilOver,
} from "./commands.js";
import { connectionHandedOver, connectionSockets } from "./connection.js";
import { startTimeout } from "./defaults.js";
import { UnitFailure } from "./failure.js";
import { endless, type Limit } from "./limit.js";
import { monitorVariables } from "./monitored.js";
import { mainRole } from "./result.js";
import { childOf, hasBegun, lastOf, mainStep, type UnitRun, unitMark } from "./run.js";
import { openSocketsOf } from "./sockets-of-service.js";
import { isNotifying, unitSupervision } from "./supervision.js";

/** How often is looked, in ms, whether what a launcher has left behind is still there. */
const interval = 100;
const { ECHILD, ESRCH } = constants.errno;

/** What the processes of ExecStart= get beside what all get: notify socket, sockets, descriptors that were stored. */
export async function mainAdditions(run: UnitRun, isLast: boolean): Promise<Additions> {
  const { environment, spec, listen } = await run.attendant.provide();
  return {
    ...spec,
    request: {
      variables: monitorVariables(run.host, run.name),
      attendantEnvironment: environment,
      listen: [...connectionSockets(run.data), ...openSocketsOf(run.host, run.data.sockets), ...listen],
    },
    after: isLast ? connectionHandedOver(run.data) : [],
  };
}

export function withVariables(
  { request, ...rest }: Additions,
  variables: Readonly<Record<string, string>>,
): Additions {
  return { ...rest, request: { ...request, variables: { ...request?.variables, ...variables } } };
}

/** What the other commands of the unit get: they may be allowed to speak, and are not watched. */
export async function commandAdditions(run: UnitRun): Promise<Additions> {
  if (unitSupervision(run.data).notifyAccess !== "all") return {};
  const { environment } = await run.attendant.provide();
  const spoken = environment.filter((variable) => variable.startsWith("NOTIFY_SOCKET="));
  return { request: { attendantEnvironment: spoken } };
}

/**
 * Brings the one process of ExecStart= to where the unit counts as started, or goes on with that. Resolves with the main
 * process, dead or alive; undefined where it is not known which it is.
 *
 * @throws UnitFailure
 */
export async function startMain(run: UnitRun, context: StartContext): Promise<Child | undefined> {
  const { service } = run;
  const type = serviceType(service);
  const [command] = service.ExecStart ?? [];
  if (command === undefined) return undefined;
  const begun = await beginMain(run, context);
  const { child, limit } = begun;
  try {
    await child.started.catch((error: unknown) => {
      if (!command.ignoreFailure) throw error;
    });
    // What is ready was so when a later command was begun.
    const isReady = hasBegun(run.state, ["start-post"]);
    if (type === "forking") return await leftBehind(run, context, begun, isReady);
    if (isNotifying(service)) return await saysReady(run, context, child);
    if (type === "dbus" && !isReady) await ownsName(run, context, child, limit);
    return child;
  } catch (error) {
    if (error instanceof UnitFailure || context.signal.aborted) throw error;
    if (error instanceof SpawnError)
      throw new UnitFailure("exit-code", `${commandText("start", command)}: ${error.message}`);
    throw new UnitFailure("resources", errorText(error));
  } finally {
    limit.end();
  }
}

async function beginMain(run: UnitRun, { signal, say }: StartContext): Promise<Begun> {
  const { service } = run;
  const [command] = service.ExecStart ?? [];
  const last = lastOf(run.state, "start");
  // Where the attendant waits for READY=1, it has the timer.
  const timeout = isNotifying(service) ? endless : startTimeout(service);
  let begun: Begun | PhaseFailure;
  if (last !== undefined) begun = goOn(run, last.made.id, "start", 1, timeout);
  else if (command === undefined) throw new UnitFailure("resources", "there is no ExecStart=");
  else {
    if (service.PIDFile !== undefined && serviceType(service) === "forking")
      await removePidFile(service.PIDFile);
    const additions = await mainAdditions(run, true);
    begun = await spawnCommand(run, "start", command, 1, additions, { timeout, signal, say });
  }
  if ("reason" in begun) throw new UnitFailure(begun.result, begun.reason);
  return begun;
}

/** Type=notify: the process says so itself, and may name another one that is the main one. */
async function saysReady(run: UnitRun, context: StartContext, child: Child): Promise<Child> {
  const { host, data, service, attendant } = run;
  const [command] = service.ExecStart ?? [];
  try {
    return await untilReady(host, context, { options: unitSupervision(data), child, elapsed: 0 });
  } catch (error) {
    context.signal.throwIfAborted();
    const reason = errorText(error);
    if (attendant.isLate() && child.end === undefined) throw timedOut(run, reason);
    const { end } = child;
    const failure =
      end === undefined || command === undefined
        ? undefined
        : failureOf(run, "start", command, child, end, mainRole(service));
    // It has ended well, and that is not what a service is for.
    throw new UnitFailure(failure?.result ?? "protocol", reason);
  }
}

/** As TimeoutStartFailureMode= has it. */
function timedOut({ service }: UnitRun, reason: string): UnitFailure {
  const mode = service.TimeoutStartFailureMode ?? "terminate";
  return new UnitFailure("timeout", reason, mode === "terminate" ? undefined : mode);
}

/** Type=dbus: it is ready when somebody owns its name on the bus. */
async function ownsName(run: UnitRun, context: StartContext, child: Child, limit: Limit): Promise<void> {
  const { service, host } = run;
  const name = service.BusName ?? "";
  const over = new AbortController();
  const [command] = service.ExecStart ?? [];
  const signal = AbortSignal.any([context.signal, over.signal]);
  try {
    const owned = untilBusName(name, host.environment, signal);
    const outcome = await Promise.race([
      owned,
      untilOver(child, limit, context.signal).then(() => "over" as const),
    ]);
    if (outcome === "no bus")
      context.say(`Service ${run.name}: there is no system bus; it counts as started without its bus name.`);
    if (outcome !== "over") return;
    if (child.end === undefined)
      throw timedOut(run, `nobody has owned the bus name ${name} within ${startTimeout(service)} s`);
    const failure =
      command === undefined
        ? undefined
        : failureOf(run, "start", command, child, child.end, mainRole(service));
    if (failure !== undefined) throw new UnitFailure(failure.result, failure.reason);
    throw new UnitFailure("protocol", `its process ended before the bus name ${name} was owned`);
  } finally {
    over.abort();
  }
}

/** Type=forking: the launcher ends, and leaves the main process behind. */
async function leftBehind(
  run: UnitRun,
  context: StartContext,
  { child: launcher, limit }: Begun,
  isReady: boolean,
): Promise<Child | undefined> {
  const { service } = run;
  const { signal } = context;
  const [command] = service.ExecStart ?? [];
  const adopted = run.state.processes.find(({ step }) => step === mainStep);
  const known = adopted === undefined ? run.host.processes.get(mainOf(launcher.id)) : childOf(run, adopted);
  if (known !== undefined) return known;
  await untilOver(launcher, limit, signal);
  if (launcher.end === undefined)
    throw timedOut(
      run,
      `ExecStart= has not ended within ${startTimeout(service)} s, as Type=forking expects`,
    );
  const failure =
    command === undefined ? undefined : failureOf(run, "start", command, launcher, launcher.end, "daemon");
  if (failure !== undefined) throw new UnitFailure(failure.result, failure.reason);
  if (service.PIDFile !== undefined && !isReady)
    return await namedByFile(run, context, launcher, limit, service.PIDFile);
  if (service.GuessMainPID === false) return undefined;
  return await theOnlyOne(run, launcher);
}

async function namedByFile(
  run: UnitRun,
  context: StartContext,
  launcher: Child,
  limit: Limit,
  file: string,
): Promise<Child> {
  const { host, name, service } = run;
  const over = new AbortController();
  const gone = whenNothingLives(run, launcher, over.signal).then((isGone) => {
    if (isGone)
      over.abort(new UnitFailure("protocol", `PIDFile=${file} did not show up, and nothing of it runs`));
  });
  const late = limit.over.then(() =>
    over.abort(timedOut(run, `PIDFile=${file} did not show up within ${startTimeout(service)} s`)),
  );
  for (const wait of [gone, late]) wait.catch((error: unknown) => host.report(errorText(error)));
  try {
    const main = await waitForPidFile(host.processes, {
      file,
      timeout: endless,
      launcher,
      cgroup: host.cgroups.pathOf(name),
      signal: AbortSignal.any([context.signal, over.signal]),
      adopt: (pid, start) => adoptMain(run, mainOf(launcher.id), pid, start),
    });
    host.logs.label(name, run.service.SyslogIdentifier ?? basenameOf(run), main.pid);
    return main;
  } catch (error) {
    context.signal.throwIfAborted();
    throw error instanceof UnitFailure ? error : new UnitFailure("protocol", errorText(error));
  } finally {
    over.abort();
  }
}

function basenameOf({ service }: UnitRun): string {
  const [command] = service.ExecStart ?? [];
  return command?.path.split("/").pop() ?? "";
}

/** Resolves with true when nothing of the unit lives any more, or with false when `signal` is aborted. */
async function whenNothingLives(run: UnitRun, launcher: Child, signal: AbortSignal): Promise<boolean> {
  let empty = 0;
  while (!signal.aborted) {
    await delay(interval, undefined, { signal }).catch(() => undefined);
    // Twice: a process that was just left behind may not be the keeper's yet.
    empty = (await livesOn(run, launcher.pid)) ? 0 : empty + 1;
    if (empty >= 2) return !signal.aborted;
  }
  return false;
}

/** Whether any process of the unit lives. @param leader the pid of a process that is over */
export async function livesOn(
  { host, name }: Pick<UnitRun, "host" | "name">,
  leader: number,
): Promise<boolean> {
  if (host.processes.livingOf(name).length > 0) return true;
  const directory = host.cgroups.pathOf(name);
  if (directory !== undefined) return await isPopulated(directory);
  return (await strays({ host, name }, leader)).length > 0;
}

async function strays(
  { host, name }: Pick<UnitRun, "host" | "name">,
  leader: number,
): Promise<readonly { readonly pid: number; readonly start: number }[]> {
  const kin = { leader, lives: false, mark: unitMark(host, name) };
  return await findSurvivors(kin, host.strangers);
}

/** GuessMainPID=: the process that was left to the keeper, where there is exactly one. */
async function theOnlyOne(run: UnitRun, launcher: Child): Promise<Child | undefined> {
  const { host, name } = run;
  const directory = host.cgroups.pathOf(name);
  const pids =
    directory === undefined
      ? (await strays(run, launcher.pid)).map(({ pid }) => pid)
      : await listedProcesses(directory);
  const stats = await Promise.all(pids.filter((pid) => pid > 1 && pid !== launcher.pid).map(processStat));
  const orphans = stats.flatMap((stat) =>
    stat !== undefined && stat.parent === host.keeperPid ? [stat] : [],
  );
  const [only] = orphans;
  if (only === undefined || orphans.length > 1) return undefined;
  const adopted = await adoptMain(run, mainOf(launcher.id), only.pid, only.start);
  if (typeof adopted !== "number") {
    host.logs.label(name, run.service.SyslogIdentifier ?? basenameOf(run), adopted.pid);
    return adopted;
  }
  if (adopted !== ECHILD && adopted !== ESRCH)
    host.report(`adopt process ${only.pid} of ${name}: errno ${adopted}`);
  return undefined;
}

/** Makes a process the main one; noted in the same step, so that its end is not lost. */
export async function adoptMain(
  run: UnitRun,
  id: string,
  pid: number,
  start: number,
): Promise<Child | number> {
  const { host, name } = run;
  // Its parent has not left it to the keeper yet.
  if ((await processStat(pid))?.parent !== host.keeperPid) return ECHILD;
  const adopted = await host.outbox.together(() => {
    run.dispatch({ type: "spawned", child: id, step: mainStep });
    return host.processes.adopt(id, pid, start, host.cgroups.pathOf(name));
  });
  if (typeof adopted === "number") run.dispatch({ type: "disowned", child: id });
  else run.follow(adopted);
  return adopted;
}
