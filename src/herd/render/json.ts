// The shapes that `--json` prints; herd(1) documents them, so they only ever grow.
import type { CommandError } from "../../protocol/messages.js";
import { decodeResources, resourcesField } from "../../protocol/resources.js";
import type { Endpoint, RunningValue, TimerRun } from "../../protocol/running-value.js";
import type { ServiceStatus } from "../../protocol/service-status.js";
import {
  DottedList,
  isList,
  type Sexp,
  SexpKeyword,
  SexpLiteral,
  SexpSymbol,
  SexpVector,
} from "../../protocol/sexp.js";
import { decodeUnit, unitField } from "../../protocol/unit-status.js";
import { describeException, display } from "./exception.js";
import { addressText } from "./service.js";

export type JsonValue =
  | null
  | boolean
  | number
  | string
  | readonly JsonValue[]
  | { readonly [key: string]: JsonValue };

/** Symbols are strings, keywords strings with `#:`, vectors lists; what JSON has no number for is a string. */
export function sexpToJson(value: Sexp): JsonValue {
  if (typeof value === "string" || typeof value === "boolean") return value;
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value === "bigint") return value.toString();
  if (isList(value)) return value.map(sexpToJson);
  if (value instanceof SexpSymbol) return value.name;
  if (value instanceof SexpKeyword) return `#:${value.name}`;
  if (value instanceof SexpLiteral) return value.text;
  if (value instanceof SexpVector) return value.items.map(sexpToJson);
  if (value instanceof DottedList)
    return { items: value.items.map(sexpToJson), tail: sexpToJson(value.tail) };
  return null;
}

export function serviceToJson(service: ServiceStatus): JsonValue {
  const { running, respawnLimit, extra, ...rest } = service;
  return {
    name: service.provides[0],
    ...rest,
    statusChanges: service.statusChanges.map(({ status, time }) => ({ status, time })),
    exitStatuses: service.exitStatuses.map(({ status, time }) => ({ status, time })),
    recentMessages: service.recentMessages.map(({ time, line }) => ({ time, line })),
    respawnLimit: respawnLimit ?? null,
    running: running === undefined ? null : runningToJson(running),
    ...resourcesToJson(extra.get(resourcesField)),
    ...unitToJson(extra.get(unitField)),
    extra: Object.fromEntries(
      [...extra].filter(([key]) => !ownShape.has(key)).map(([key, value]) => [key, sexpToJson(value)]),
    ),
  };
}

/** Fields that are not shown as they are on the wire. */
const ownShape: ReadonlySet<string> = new Set([resourcesField, unitField]);

function unitToJson(field: Sexp | undefined): { readonly unit?: JsonValue } {
  const unit = decodeUnit(field);
  if (unit === undefined) return {};
  return { unit: { ...unit, notApplied: unit.notApplied.map((one) => ({ ...one })) } };
}

function resourcesToJson(field: Sexp | undefined): { readonly resources?: JsonValue } {
  const resources = decodeResources(field);
  return resources === undefined ? {} : { resources: { ...resources } };
}

export function errorToJson(error: CommandError): JsonValue {
  switch (error.kind) {
    case "service-not-found":
      return { kind: error.kind, service: display(error.service) };
    case "action-not-found":
      return { kind: error.kind, action: display(error.action), service: display(error.service) };
    case "action-exception":
      return {
        kind: error.kind,
        action: display(error.action),
        service: display(error.service),
        message: describeException(error.key, error.arguments),
      };
    case "service-error":
      return { kind: error.kind };
    case "other":
      return { kind: error.kind, error: sexpToJson(error.error) };
  }
}

function runningToJson(value: RunningValue): JsonValue {
  switch (value.type) {
    case "process":
      return { type: value.type, pid: value.pid, command: value.command ?? null };
    case "inetd-service":
    case "systemd-service":
      return {
        type: value.type,
        endpoints: value.endpoints.map(endpointToJson),
        command: value.command ?? null,
      };
    case "system-log":
      return {
        type: value.type,
        endpoints: value.endpoints.map(endpointToJson),
        kernelLogFile: value.kernelLogFile ?? null,
      };
    case "timer":
      return {
        type: value.type,
        event: value.event === undefined ? null : { ...value.event },
        action: value.action === "procedure" ? value.action : { ...value.action },
        processes: value.processes.map(({ pid, start }) => ({ pid, start })),
        remainingOccurrences: Number.isFinite(value.remainingOccurrences) ? value.remainingOccurrences : null,
        pastRuns: value.pastRuns.map(runToJson),
      };
    case "other":
      return { type: value.type, value: sexpToJson(value.value) };
  }
}

function endpointToJson({ name, address, style }: Endpoint): JsonValue {
  return { name, address: addressText(address), style: style === 2 ? "datagram" : "stream" };
}

function runToJson({ status, end, start }: TimerRun): JsonValue {
  if (typeof status !== "object") return { status, start, end };
  return { status: "exception", message: describeException(status.key, status.arguments), start, end };
}
