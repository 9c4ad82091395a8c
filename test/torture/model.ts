// What must hold once a round is over and the supervisor has had time to settle: a pure function of what was seen
// before, what was done, and what is seen now.

import { type Changes, changesOf } from "./changes.js";
import { fleet, type Member, withRequirements } from "./fleet.js";
import type { Done, History } from "./history.js";
import { type Influence, influenceOn, possiblyEnabled, possiblyRegistered } from "./influence.js";
import { isMain, type Marked, serviceOfMark } from "./lives.js";
import type { ServiceView, Snapshot } from "./snapshot.js";
import { timerViolations } from "./timer-model.js";

/** Caps of the histories that the supervisor keeps. */
const caps = { respawns: 100 } as const;
const terminated = 15;
const killed = 9;

const mayFollow: Readonly<Record<string, readonly string[]>> = {
  stopped: ["starting"],
  starting: ["running", "stopped"],
  running: ["stopping", "stopped"],
  stopping: ["stopped"],
};

export function violations(before: Snapshot, history: History, after: Snapshot): readonly string[] {
  const { operations } = history;
  return [
    ...connections(operations),
    ...supervisor(before, history, after),
    ...strays(before, after),
    ...strangers(after),
    ...logs(after),
    ...fleet.flatMap((member) => {
      const found = service(member, before, operations, after);
      return found.map((text) => `${member.name}: ${text}`);
    }),
  ];
}

/** Every client got an answer, or was told by an end of file that there is none. */
function connections(operations: readonly Done[]): readonly string[] {
  return operations
    .filter(({ outcome }) => outcome === "silent" || outcome === "unreachable")
    .map(
      ({ operation, outcome, text }) => `the client of ${operation.verb} met silence (${outcome}): ${text}`,
    );
}

/** It is there once, died of nothing but our kills, and was replaced when it was told to be. */
function supervisor(before: Snapshot, { kills, operations }: History, after: Snapshot): readonly string[] {
  const { daemons, writers, compressors, zombies, generation } = after;
  const died = new Set(
    kills.filter(({ victim, pid }) => victim === "daemon" && pid !== 0).map(({ pid }) => pid),
  ).size;
  const lived = generation - before.generation;
  const relaunches = operations.filter(({ operation }) => operation.verb === "relaunch");
  // A kill can come before it, and it before a kill.
  const certain = died === 0 && relaunches.some(({ outcome }) => outcome === "done") ? 1 : 0;
  const fits = lived >= died + certain && lived <= died + relaunches.length;
  return [
    ...(daemons === 1 ? [] : [`there are ${daemons} daemons`]),
    ...(writers === 1 ? [] : [`there are ${writers} log writers`]),
    ...(compressors <= 1 ? [] : [`there are ${compressors} compressors`]),
    ...(fits
      ? []
      : [`${died} daemons were killed, ${relaunches.length} were to be replaced, and ${lived} were started`]),
    ...zombies.map(({ inner, parent }) => `process ${inner} is a zombie, child of ${parent}`),
  ];
}

/** Each process is that of a service which runs, and of its present life. */
function strays(before: Snapshot, after: Snapshot): readonly string[] {
  const known = pids(unclaimed(before));
  return unclaimed(after)
    .filter(({ pid }) => !known.has(pid))
    .map(
      ({ inner, mark, command }) =>
        `nobody claims process ${inner} of ${mark ?? "no mark"}: ${command.join(" ")}`,
    );
}

/** Those of connections are gone with them. */
function strangers({ services }: Snapshot): readonly string[] {
  const known = new Set(["root", ...fleet.map(({ name }) => name)]);
  return [...services.keys()]
    .filter((name) => !known.has(name))
    .map((name) => `service ${name} is still there`);
}

/** Processes of no service's present life. */
export function unclaimed({ processes, services }: Snapshot): readonly Marked[] {
  const claimed = new Set<string>();
  for (const { mark, inner } of processes)
    if (mark !== undefined && claims(services.get(serviceOfMark(mark)), inner)) claimed.add(mark);
  return processes.filter(({ mark }) => mark === undefined || !claimed.has(mark));
}

/** Whether a process is the one that a service has, or that of a timer's run. */
function claims(service: ServiceView | undefined, pid: number): boolean {
  return service?.pid === pid || service?.timer?.processes.some((process) => process.pid === pid) === true;
}

function pids(processes: readonly Marked[]): ReadonlySet<number> {
  return new Set(processes.map(({ pid }) => pid));
}

function logs({ printed, logged, logIsShort }: Snapshot): readonly string[] {
  return [...(logIsShort ? ["a log is shorter than it was"] : []), ...lostLines(printed, logged)];
}

/** What every life has printed is in its log. */
export function lostLines(
  printed: ReadonlyMap<string, number>,
  logged: ReadonlyMap<string, number>,
): readonly string[] {
  return [...printed]
    .filter(([mark, count]) => (logged.get(mark) ?? 0) < count)
    .map(([mark, count]) => `the log of ${mark} has ${logged.get(mark) ?? 0} of ${count} lines`);
}

function service(
  member: Member,
  before: Snapshot,
  operations: readonly Done[],
  after: Snapshot,
): readonly string[] {
  const { name } = member;
  const old = before.services.get(name);
  const now = after.services.get(name);
  const registered =
    member.module === undefined ? new Set([true]) : possiblyRegistered(name, old !== undefined, operations);
  if (!registered.has(now !== undefined))
    return [now === undefined ? "it is not registered any more" : "it is registered, and must not be"];
  // What is nobody's since an earlier round was reported then.
  const known = pids(unclaimed(before));
  const mains = after.processes.filter(
    (process) =>
      isMain(process) && process.command[2] === name && process.mark !== undefined && !known.has(process.pid),
  );
  if (now === undefined) return [];
  const influence = influenceOn(name, operations);
  const changes = changesOf(old, now, influence.renewals.length > (old === undefined ? 1 : 0));
  if (changes === undefined) return ["its histories do not go on from what they were"];
  return [
    ...settled(member, now, mains),
    ...told(mains, after.lives.get(name) ?? []),
    ...path(changes),
    ...enabled(member, old, now, operations),
    ...status(member, old, now, changes, influence),
    ...exits(member, changes, influence),
    ...crashes(changes, influence),
    ...answered(member, old, influence, operations),
    ...lives(member, before, after, changes, influence),
    ...calls(member, before, after, changes),
    ...timerViolations(member, before, after, operations, influence),
    ...respawns(member, old, now, changes, influence, operations, isBlocked(member, after)),
  ];
}

/** The status agrees with the processes. */
function settled(
  { kind }: Member,
  { status, pid }: ServiceView,
  mains: readonly Marked[],
): readonly string[] {
  if (status === "starting" || status === "stopping") return [`it stays ${status}`];
  if (kind !== "process")
    return mains.length === 0 ? [] : [`it has no process, but there are ${mains.length}`];
  const expected = status === "running" ? 1 : 0;
  const found = mains.map(({ inner, mark }) => `${inner} of ${mark ?? "no mark"}`);
  if (mains.length !== expected)
    return [`it is ${status} with ${mains.length} processes: ${found.join(", ")}`];
  if (mains.some(({ inner }) => inner !== pid))
    return [`it claims process ${pid}, and is ${found.join(", ")}`];
  return [];
}

/** A life that has not been told yet would count for the next round. */
function told(mains: readonly Marked[], lives: readonly string[]): readonly string[] {
  return mains
    .filter(({ mark }) => mark === undefined || !lives.includes(mark))
    .map(({ inner }) => `its process ${inner} has not come to its orders`);
}

function path({ path }: Changes): readonly string[] {
  const wrong = path
    .slice(1)
    .filter((state, index) => mayFollow[path[index] ?? ""]?.includes(state) !== true);
  return wrong.length === 0 ? [] : [`it went through the states ${path.join(", ")}`];
}

function enabled(
  { name, limit, module }: Member,
  old: ServiceView | undefined,
  now: ServiceView,
  operations: readonly Done[],
): readonly string[] {
  if (module !== undefined) return now.enabled ? [] : ["it is disabled, and nobody did that"];
  if (possiblyEnabled(name, old?.enabled ?? true, operations).has(now.enabled)) return [];
  const tooOften = !now.enabled && limit !== undefined && now.respawns.length >= limit;
  if (tooOften && now.disabledBecause !== undefined) return [];
  return [`it is ${now.enabled ? "enabled" : "disabled"}, which no operation of this round explains`];
}

/** What the operations leave no doubt about. */
function status(
  member: Member,
  old: ServiceView | undefined,
  now: ServiceView,
  { path }: Changes,
  { stops, starts, crashes }: Influence,
): readonly string[] {
  const touched = stops.length + starts.length + crashes.length > 0;
  if (!touched) {
    if (path.length > 1) return [`it was ${path.join(", ")} though nobody touched it`];
    return old?.pid === now.pid || isActivation(member, old)
      ? []
      : [`its process ${old?.pid} is ${now.pid} now though nobody touched it`];
  }
  const done = (all: readonly Done[], ...verbs: readonly string[]): boolean =>
    all.some(({ operation, outcome }) => outcome === "done" && verbs.includes(operation.verb));
  const ownStarts = starts.filter(
    ({ operation }) => "service" in operation && operation.service === member.name,
  );
  if (stops.length === 0 && crashes.length === 0 && done(ownStarts, "start", "spawn")) {
    const expected = member.kind === "one-shot" ? "stopped" : "running";
    return now.status === expected ? [] : [`it was started, and is ${now.status}`];
  }
  if (starts.length === 0 && crashes.length === 0 && done(stops, "stop", "unload"))
    return now.status === "stopped" ? [] : [`it was stopped, and is ${now.status}`];
  const isUntouched = stops.length === 0 && crashes.length === 0 && old?.status === "running";
  if (isUntouched && now.pid !== old.pid && !isActivation(member, old))
    return [`it was running and was not to be stopped, but its process ${old.pid} is ${now.pid} now`];
  return [];
}

/** Whether a first connection may have given the service its process. */
function isActivation({ kind }: Member, old: ServiceView | undefined): boolean {
  return kind === "activated" && old?.pid === undefined;
}

/** One exit status for each process that ended while it was the service's. */
function exits(
  { kind, stubborn }: Member,
  { path, exits }: Changes,
  { crashes }: Influence,
): readonly string[] {
  if (kind !== "process") {
    // What a connection has started is ended by a stop.
    const strange = exits.filter((exit) => (kind !== "activated" && kind !== "timer") || exit !== terminated);
    return strange.length === 0 ? [] : [`it has exit statuses ${strange.join(", ")}`];
  }
  const ends = path.filter(
    (state, index) =>
      state === "stopped" && (path[index - 1] === "running" || path[index - 1] === "stopping"),
  );
  if (exits.length !== ends.length)
    return [
      `${ends.length} processes ended (${path.join(", ")}), with ${exits.length} statuses: ${exits.join(", ")}`,
    ];
  const caused = new Set([stubborn ? killed : terminated, ...crashes.flatMap((crash) => causedBy(crash))]);
  const strange = exits.filter((exit) => !caused.has(exit));
  return strange.length === 0 ? [] : [`nobody caused the exit statuses ${strange.join(", ")}`];
}

function causedBy({ operation }: Done): readonly number[] {
  if (operation.verb !== "crash") return [];
  if (operation.by === "SIGKILL") return [killed];
  return operation.by === "SIGTERM" ? [terminated] : [operation.by << 8];
}

/** Where nothing else ends it, each life that was crashed has exactly the status that its crash gave it. */
function crashes({ path, exits, anew }: Changes, { stops, crashes }: Influence): readonly string[] {
  if (stops.length > 0 || anew) return [];
  const expected = new Map<string, Set<number>>();
  for (const crash of crashes) {
    const causes = expected.get(crash.mark ?? "") ?? new Set();
    for (const cause of causedBy(crash)) causes.add(cause);
    expected.set(crash.mark ?? "", causes);
  }
  const failedStarts = path.filter(
    (state, index) => state === "stopped" && path[index - 1] === "starting",
  ).length;
  const lives = [...expected.values()];
  const fits =
    exits.length <= lives.length &&
    exits.length + failedStarts >= lives.length &&
    (failedStarts > 0 || exits.every((exit, index) => lives[index]?.has(exit)));
  if (fits) return [];
  const wanted = lives.map((causes) => [...causes].join(" or ")).join(", ");
  return [
    `its processes were ended with ${wanted || "nothing"}, and it tells ${exits.join(", ") || "nothing"}`,
  ];
}

/** Who connects to a service that runs all the time, or sends to it, is answered. */
function answered(
  { name }: Member,
  old: ServiceView | undefined,
  { stops }: Influence,
  operations: readonly Done[],
): readonly string[] {
  if (old?.status !== "running" || stops.length > 0) return [];
  const unanswered = operations.filter(
    ({ operation, outcome }) =>
      (operation.verb === "connect" || operation.verb === "send") &&
      operation.service === name &&
      outcome !== "done",
  );
  return unanswered.map(({ text }) => `a client was not served: ${JSON.stringify(text)}`);
}

/** No process was started twice. */
function lives(
  member: Member,
  before: Snapshot,
  after: Snapshot,
  changes: Changes,
  { starts }: Influence,
): readonly string[] {
  const { name } = member;
  const old = before.lives.get(name) ?? [];
  const all = after.lives.get(name) ?? [];
  const fresh = all.slice(old.length);
  // Of those of its name that have come and gone nothing is told any more.
  const former = changes.anew && member.transient ? Math.max(0, starts.length - 1) : 0;
  const begun = startsOf(member, before, after, changes) + former;
  return [
    ...(new Set(all).size === all.length ? [] : ["one life was lived by two processes"]),
    ...(fresh.length <= begun
      ? []
      : [`it was started ${begun} times and lived ${fresh.length} times: ${fresh.join(", ")}`]),
  ];
}

/** A start function is not called again for a start that was interrupted, unless it may be. */
function calls(member: Member, before: Snapshot, after: Snapshot, changes: Changes): readonly string[] {
  const { name, isFunction } = member;
  const count = (after.calls.get(name) ?? 0) - (before.calls.get(name) ?? 0);
  const starts = startsOf(member, before, after, changes);
  return isFunction && count > starts
    ? [`it was started ${starts} times, and its start function was called ${count} times`]
    : [];
}

/** How often its start may have been begun. */
function startsOf({ retryable }: Member, before: Snapshot, after: Snapshot, { path }: Changes): number {
  const starts = path.slice(1).filter((state) => state === "starting").length;
  return starts + (retryable && starts > 0 ? after.generation - before.generation : 0);
}

/** Whether a service that ended by itself may still be about to be respawned: a stop could have prevented that. */
export function mayChange({ services }: Snapshot): boolean {
  return fleet.some(({ name, respawn }) => {
    const service = services.get(name);
    return (
      respawn && service?.enabled && service.status === "stopped" && service.changes[1]?.status === "running"
    );
  });
}

/** Whether a requirement that must not be started stands in its way, for as long as it is disabled. */
function isBlocked({ name }: Member, { services }: Snapshot): boolean {
  return [...withRequirements(name)].some(
    (other) => other !== name && services.get(other)?.enabled === false,
  );
}

/** What ends by itself comes back, and is counted. */
function respawns(
  { name, respawn, limit, requirement, transient, isFunction, retryable }: Member,
  old: ServiceView | undefined,
  now: ServiceView,
  { path, respawns }: Changes,
  { stops, starts, crashes }: Influence,
  operations: readonly Done[],
  isBlocked: boolean,
): readonly string[] {
  if (!respawn || transient) return now.respawns.length === 0 ? [] : ["it was respawned, and must not be"];
  const switched = operations.some(
    ({ operation }) =>
      (operation.verb === "enable" || operation.verb === "disable") && operation.service === name,
  );
  if (stops.length > 0 || switched) return [];
  // A function that was interrupted may have done half of its work, and is not called again.
  const isInterrupted = isFunction && !retryable && path.at(-2) === "starting";
  const wasUp = old?.status === "running" || crashes.length > 0;
  if (wasUp && now.enabled && now.status === "stopped" && !isBlocked && !isInterrupted)
    return ["it ended by itself, is enabled, and was not respawned"];
  if (starts.length > 0 || requirement.length > 0) return [];
  const begun = path.slice(1).filter((state) => state === "starting").length;
  const expected = Math.min(caps.respawns, (old?.respawns.length ?? 0) + begun);
  if (now.respawns.length !== expected || respawns === undefined)
    return [
      `it was respawned ${begun} times (${old?.respawns.length ?? 0} before), and tells ${now.respawns.length}`,
    ];
  if (limit !== undefined && now.respawns.length > limit)
    return [`it was respawned more often than ${limit} times`];
  return [];
}
