// What the daemon tells a client about a service: a controller as the protocol's service expression.

import { encodeCondition } from "../../protocol/condition.js";
import { encodeResources, resourcesField } from "../../protocol/resources.js";
import type { RunningValue as WireValue } from "../../protocol/running-value.js";
import type { RecentMessage, ServiceStatus } from "../../protocol/service-status.js";
import { type Sexp, sym } from "../../protocol/sexp.js";
import { encodeUnit, unitField } from "../../protocol/unit-status.js";
import { encodeWaiting } from "../../protocol/waiting.js";
import { isSocketsValue } from "../constructors/sockets.js";
import { isSystemLogValue } from "../constructors/system-log.js";
import type { Controller } from "../controller/controller.js";
import { isProcess } from "../controller/running-value.js";
import { type BuiltinStart, builtin, type RunningValue } from "../definition/types.js";
import { conditionStatus } from "../readiness/condition.js";
import { isTimer } from "../timers/state.js";
import { functionRuns, timedOutRuns, timerWireValue } from "../timers/view.js";
import { isUnitTimer, unitTimerWireValue } from "../units/timer-view.js";
import { socketsWireValue, systemLogWireValue } from "./sockets.js";
import { unitStatus } from "./unit-status.js";
import { toSexp } from "./values.js";
import { type Neighbours, waitingOf } from "./waiting.js";

/** What is known of a service's log. */
export interface LogView {
  recent(
    service: string,
    count: number,
  ): Promise<readonly { readonly time: number; readonly line: string }[]>;
  files(service: string): readonly string[];
  /** What keeps its lines from where they belong, at present. */
  trouble(service: string): string | undefined;
}

/** What a status is made of, beside the service itself. */
export interface StatusSources {
  readonly logs: LogView;
  readonly registry: Neighbours;
}

/** As many lines as the Shepherd keeps. */
const recentLines = 20;
/** As many of a timer as its client shows. */
const comingAlarms = 5;

/** @param rescue of `root`: why no user code is run */
export async function serviceStatus(
  controller: Controller,
  sources: StatusSources,
  rescue?: string,
): Promise<ServiceStatus> {
  const { logs } = sources;
  const [recent, resources, shortfalls] = await Promise.all([
    logs.recent(controller.name, recentLines).catch(() => []),
    controller.resources().catch(() => undefined),
    controller.unitShortfalls().catch(() => []),
  ]);
  const unit = unitStatus(controller.definition, shortfalls);
  const plain = statusOf(controller, sources, recent);
  const status =
    resources === undefined
      ? plain
      : { ...plain, extra: new Map([...plain.extra, [resourcesField, encodeResources(resources)]]) };
  const alarms = controller.alarms(comingAlarms).map((alarm) => Math.floor(alarm / 1000));
  const more: readonly (readonly [string, Sexp])[] = [
    ...(alarms.length === 0 ? [] : [["upcoming-alarms", alarms] as const]),
    ...(unit === undefined ? [] : [[unitField, encodeUnit(unit)] as const]),
    ...(rescue === undefined ? [] : [["rescue", rescue] as const]),
  ];
  return more.length === 0 ? status : { ...status, extra: new Map([...status.extra, ...more]) };
}

/** Without the service's recent messages, which cost a file to read: for overviews. */
export function briefStatus(controller: Controller, sources: StatusSources): ServiceStatus {
  return statusOf(controller, sources, []);
}

function statusOf(
  controller: Controller,
  { logs, registry }: StatusSources,
  recent: readonly { readonly time: number; readonly line: string }[],
): ServiceStatus {
  const { definition, state } = controller;
  const limit = definition.respawnLimit;
  const extra = new Map<string, Sexp>();
  const trouble = logs.trouble(controller.name);
  if (state.failure !== undefined) extra.set("failure", state.failure);
  // Of a unit.
  if (state.result !== undefined) extra.set("result", sym(state.result));
  if (state.skipped !== undefined) extra.set("skipped", state.skipped);
  if (state.disabledBecause !== undefined) extra.set("disabled-because", state.disabledBecause);
  if (controller.obsolete) extra.set("obsolete?", true);
  // Most are started with the system: that is not worth saying.
  if (!definition.autoStart) extra.set("auto-start?", false);
  if (trouble !== undefined) extra.set("log-trouble", trouble);
  const data = definition.start[builtin];
  if (isTimer(state.value) && data?.kind === "timer") {
    const timedOut = timedOutRuns(state.value);
    if (timedOut.length > 0) extra.set("timed-out-runs", timedOut);
    const calls = functionRuns(data, state.value);
    if (calls.length > 0) extra.set("function-runs", calls);
  }
  for (const [field, value] of encodeCondition(conditionStatus(state.condition))) extra.set(field, value);
  for (const [field, value] of encodeWaiting(waitingOf(controller, registry))) extra.set(field, value);
  const outOfMemory = state.exitStatuses.filter((one) => one.outOfMemory === true);
  if (outOfMemory.length > 0)
    extra.set(
      "out-of-memory",
      outOfMemory.map(({ time }) => Math.floor(time)),
    );
  return {
    provides: definition.provision,
    requires: definition.requirement,
    respawn: definition.respawn,
    documentation: definition.documentation,
    enabled: state.enabled,
    ...(state.value === undefined ? {} : { running: wireValue(state.value, data) }),
    lastRespawns: state.lastRespawns.map(Math.floor),
    statusChanges: state.statusChanges.map(({ status, time }) => ({ status, time: Math.floor(time) })),
    startupFailures: state.startupFailures.map(Math.floor),
    status: state.status,
    oneShot: definition.oneShot,
    transient: definition.transient,
    ...(limit === false ? {} : { respawnLimit: limit }),
    respawnDelay: definition.respawnDelay,
    actions: definition.actions.map((action) => action.name),
    exitStatuses: state.exitStatuses.map(({ status, time }) => ({ status, time: Math.floor(time) })),
    // The protocol's lists are newest first; a log file is not.
    recentMessages: recent
      .map(({ time, line }): RecentMessage => ({ time: Math.floor(time), line }))
      .reverse(),
    logFiles: logs.files(controller.name),
    pendingReplacement: controller.replacement !== undefined,
    extra,
  };
}

function wireValue(value: RunningValue, data: BuiltinStart | undefined): WireValue {
  if (isProcess(value)) return { type: "process", pid: value.pid, command: value.command };
  if (isSocketsValue(value)) return socketsWireValue(value);
  if (isSystemLogValue(value)) return systemLogWireValue(value);
  if (isTimer(value) && data?.kind === "timer") return timerWireValue(data, value);
  if (isUnitTimer(value) && data?.kind === "unit-timer") return unitTimerWireValue(data);
  return { type: "other", value: toSexp(value) };
}
