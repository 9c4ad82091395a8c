// What the daemon tells a client about a service: a controller as the protocol's service expression.

import type { RunningValue as WireValue } from "../../protocol/running-value.js";
import type { RecentMessage, ServiceStatus } from "../../protocol/service-status.js";
import type { Sexp } from "../../protocol/sexp.js";
import { type Controller, isProcess } from "../controller/controller.js";
import type { RunningValue } from "../definition/types.js";
import { toSexp } from "./values.js";

/** What is known of a service's log. */
export interface LogView {
  recent(
    service: string,
    count: number,
  ): Promise<readonly { readonly time: number; readonly line: string }[]>;
  files(service: string): readonly string[];
}

/** As many lines as the Shepherd keeps. */
const recentLines = 20;

export async function serviceStatus(controller: Controller, logs: LogView): Promise<ServiceStatus> {
  const recent = await logs.recent(controller.name, recentLines).catch(() => []);
  return statusOf(controller, logs, recent);
}

/** Without the service's recent messages, which cost a file to read: for overviews. */
export function briefStatus(controller: Controller, logs: LogView): ServiceStatus {
  return statusOf(controller, logs, []);
}

function statusOf(
  controller: Controller,
  logs: LogView,
  recent: readonly { readonly time: number; readonly line: string }[],
): ServiceStatus {
  const { definition, state } = controller;
  const limit = definition.respawnLimit;
  const extra = new Map<string, Sexp>();
  if (state.failure !== undefined) extra.set("failure", state.failure);
  if (state.disabledBecause !== undefined) extra.set("disabled-because", state.disabledBecause);
  return {
    provides: definition.provision,
    requires: definition.requirement,
    respawn: definition.respawn,
    documentation: definition.documentation,
    enabled: state.enabled,
    ...(state.value === undefined ? {} : { running: wireValue(state.value) }),
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

function wireValue(value: RunningValue): WireValue {
  if (isProcess(value)) return { type: "process", pid: value.pid, command: value.command };
  return { type: "other", value: toSexp(value) };
}
