// What the daemon tells a client about a service: a controller as the protocol's service expression.

import type { RunningValue as WireValue } from "../../protocol/running-value.js";
import type { RecentMessage, ServiceStatus } from "../../protocol/service-status.js";
import type { Sexp } from "../../protocol/sexp.js";
import { isSocketsValue } from "../constructors/sockets.js";
import type { Controller } from "../controller/controller.js";
import { isProcess } from "../controller/running-value.js";
import type { RunningValue } from "../definition/types.js";
import { socketsWireValue } from "./sockets.js";
import { toSexp } from "./values.js";

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

/** As many lines as the Shepherd keeps. */
const recentLines = 20;

/** @param rescue of `root`: why no user code is run */
export async function serviceStatus(
  controller: Controller,
  logs: LogView,
  rescue?: string,
): Promise<ServiceStatus> {
  const recent = await logs.recent(controller.name, recentLines).catch(() => []);
  const status = statusOf(controller, logs, recent);
  return rescue === undefined ? status : { ...status, extra: new Map([...status.extra, ["rescue", rescue]]) };
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
  const trouble = logs.trouble(controller.name);
  if (state.failure !== undefined) extra.set("failure", state.failure);
  if (state.disabledBecause !== undefined) extra.set("disabled-because", state.disabledBecause);
  if (controller.obsolete) extra.set("obsolete?", true);
  if (trouble !== undefined) extra.set("log-trouble", trouble);
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
  if (isSocketsValue(value)) return socketsWireValue(value);
  return { type: "other", value: toSexp(value) };
}
