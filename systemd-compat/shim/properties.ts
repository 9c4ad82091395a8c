// systemctl show: properties of units as NAME=VALUE. There are those that scripts ask for.

import { startTimeout, stopTimeout } from "../../src/daemon/units/defaults.js";
import type { ServiceStatus } from "../../src/protocol/service-status.js";
import { isTemplate, parseUnitName, type UnitName } from "../names.js";
import type { Unit } from "../unit.js";
import { serviceType } from "../unit-checks.js";
import { type Context, nameOf, say, statuses } from "./context.js";
import { NoDaemonError } from "./daemon.js";
import { fileStateOf, presetFor } from "./file-state.js";
import { systemState } from "./queries.js";
import type { UnitFiles } from "./unit-files.js";
import { canReload, unitStateOf } from "./unit-state.js";

type Properties = ReadonlyMap<string, string>;

/** Prints the properties of units, or of the manager where none is named. */
export async function show(context: Context): Promise<number> {
  const { words } = context;
  if (words.length === 0) {
    print(context, await managerProperties(context));
    return statuses.ok;
  }
  let isFirst = true;
  for (const word of words) {
    if (!isFirst) say(context, "");
    isFirst = false;
    print(context, await propertiesOf(context, nameOf(word)));
  }
  return statuses.ok;
}

function print(context: Context, properties: Properties): void {
  const { properties: wanted, value, all } = context.options;
  const names = wanted.length > 0 ? wanted : [...properties.keys()];
  for (const name of names) {
    const text = properties.get(name);
    // One that does not exist is left out, whoever asks for it.
    if (text === undefined || (text === "" && wanted.length === 0 && !all)) continue;
    say(context, value ? text : `${name}=${text}`);
  }
}

async function managerProperties(context: Context): Promise<Properties> {
  const state = await systemState(context);
  return new Map([
    ["Version", "252"],
    ["Virtualization", "container"],
    ["SystemState", state],
    ["NNames", String((await servicesOrNone(context)).length)],
  ]);
}

async function servicesOrNone({ daemon }: Context): ReturnType<Context["daemon"]["services"]> {
  try {
    return await daemon.services();
  } catch (error) {
    if (error instanceof NoDaemonError) return [];
    throw error;
  }
}

/** What the daemon knows of a unit, if there is a daemon. */
export async function statusOrNone({ daemon }: Context, name: UnitName): Promise<ServiceStatus | undefined> {
  try {
    return await daemon.status(name);
  } catch (error) {
    if (error instanceof NoDaemonError) return undefined;
    throw error;
  }
}

async function propertiesOf(context: Context, name: UnitName): Promise<Properties> {
  const units = await context.units();
  const status = await statusOrNone(context, name);
  const unit = await units.load(name);
  const state = unitStateOf(name.full, status);
  const fileState = await fileStateOf(units, name);
  const preset = fileState === undefined ? undefined : presetFor(units, name, fileState);
  const own = unit.state === "not-found" && status !== undefined ? name.full : unit.name.full;
  const { unit: general } = unit;
  return new Map([
    ["Id", own],
    ["Names", namesFor(unit, own, name).join(" ")],
    ["Requires", list(general.Requires)],
    ["Requisite", list(general.Requisite)],
    ["Wants", list(general.Wants)],
    ["BindsTo", list(general.BindsTo)],
    ["PartOf", list(general.PartOf)],
    ["Conflicts", list(general.Conflicts)],
    ["Before", list(general.Before)],
    ["After", list(general.After)],
    ["Triggers", triggersOf(unit)],
    ["TriggeredBy", (await triggersFor(units, unit)).join(" ")],
    ["Documentation", list(general.Documentation)],
    ["Description", general.Description ?? descriptionOf(status) ?? own],
    ["LoadState", loadState(unit, status)],
    ["ActiveState", state.active],
    ["SubState", state.sub],
    ["FragmentPath", unit.state === "masked" ? (units.index.find(name).path ?? "") : (unit.fragment ?? "")],
    ["SourcePath", general.SourcePath ?? ""],
    ["DropInPaths", unit.dropIns.join(" ")],
    ["UnitFileState", fileState ?? ""],
    ["UnitFilePreset", preset ?? ""],
    ["CanStart", yes(unit.state === "loaded" && !isTemplate(unit.name))],
    ["CanStop", yes(unit.state === "loaded" && !isTemplate(unit.name))],
    ["CanReload", yes(status === undefined ? reloads(unit) : canReload(status))],
    ["NeedDaemonReload", "no"],
    ["Transient", yes(status?.transient === true)],
    ...stateTimes(state.active, state.since),
    ...(name.type === "service" ? serviceProperties(unit, status, name) : []),
  ]);
}

const yes = (value: boolean): string => (value ? "yes" : "no");
const list = (values: readonly string[] | undefined): string => (values ?? []).join(" ");

function namesFor(unit: Unit, own: string, asked: UnitName): readonly string[] {
  return [...new Set([own, ...(unit.state === "not-found" ? [asked.full] : []), ...unit.aliases])];
}

function descriptionOf(status: ServiceStatus | undefined): string | undefined {
  const [line = ""] = status?.documentation.split("\n") ?? [];
  return line === "" ? undefined : line;
}

/** A service that is no unit's is loaded, too. */
function loadState({ state }: Unit, status: ServiceStatus | undefined): string {
  if (state === "not-found" && status !== undefined) return "loaded";
  return state === "refused" ? "bad-setting" : state;
}

function reloads(unit: Unit): boolean {
  if (unit.type !== "service") return false;
  return (unit.service.ExecReload ?? []).length > 0 || unit.service.Type === "notify-reload";
}

/** The unit that a socket, timer or path unit starts. */
function triggersOf(unit: Unit): string {
  const usual = `${unit.name.full.slice(0, -unit.name.type.length - 1)}.service`;
  switch (unit.type) {
    case "socket":
      return unit.socket.Service ?? usual;
    case "timer":
      return unit.timer.Unit ?? usual;
    case "path":
      return unit.path.Unit ?? usual;
    default:
      return "";
  }
}

/** Units of the usual names, and those that the unit itself names, which start it. */
async function triggersFor(units: UnitFiles, unit: Unit): Promise<readonly string[]> {
  if (unit.type !== "service") return [];
  const stem = unit.name.full.slice(0, -".service".length);
  const named = unit.service.Sockets ?? [];
  const candidates = new Set([...["socket", "timer", "path"].map((type) => `${stem}.${type}`), ...named]);
  const found: string[] = [];
  for (const candidate of candidates) {
    const name = parseUnitName(candidate);
    if (name === undefined || units.index.find(name).state !== "found") continue;
    if (triggersOf(await units.load(name)) === unit.name.full) found.push(candidate);
  }
  return found;
}

function stateTimes(active: string, since: number): readonly (readonly [string, string])[] {
  const time = since === 0 ? "" : timestamp(since);
  return [
    ["StateChangeTimestamp", time],
    ["ActiveEnterTimestamp", active === "active" ? time : ""],
    ["InactiveEnterTimestamp", active === "inactive" || active === "failed" ? time : ""],
  ];
}

/** Such as `Sat 2024-06-01 12:00:00 UTC`. */
export function timestamp(seconds: number): string {
  const date = new Date(seconds * 1000);
  const day = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"][date.getDay()] ?? "";
  const two = (value: number): string => String(value).padStart(2, "0");
  const zone = new Intl.DateTimeFormat("en-US", { timeZoneName: "short" })
    .formatToParts(date)
    .find(({ type }) => type === "timeZoneName")?.value;
  const calendar = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
  const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
  return `${day} ${calendar} ${clock} ${zone ?? "UTC"}`;
}

/** Seconds before a restart where a unit does not say: DefaultRestartSec=. */
const usualDelay = 0.1;

const spans = [
  ["d", 86_400_000_000],
  ["h", 3_600_000_000],
  ["min", 60_000_000],
  ["s", 1_000_000],
  ["ms", 1000],
  ["us", 1],
] as const;

/** Such as `1min 30s`, of seconds. */
export function timeSpanText(seconds: number): string {
  if (seconds === Number.POSITIVE_INFINITY) return "infinity";
  let rest = Math.round(seconds * 1e6);
  const parts = spans.flatMap(([unit, size]) => {
    const count = Math.floor(rest / size);
    rest -= count * size;
    return count === 0 ? [] : [`${count}${unit}`];
  });
  return parts.length === 0 ? "0" : parts.join(" ");
}

function serviceProperties(
  unit: Unit,
  status: ServiceStatus | undefined,
  name: UnitName,
): readonly (readonly [string, string])[] {
  const { mainPid, result } = unitStateOf(name.full, status);
  const service = unit.type === "service" ? unit.service : undefined;
  const last = status?.exitStatuses[0]?.status ?? 0;
  const signal = last & 0x7f;
  return [
    ["Type", service === undefined ? "simple" : serviceType(service)],
    ["Restart", service?.Restart ?? "no"],
    ["RestartUSec", timeSpanText(service?.RestartSec ?? usualDelay)],
    ["TimeoutStartUSec", timeSpanText(startTimeout(service ?? {}))],
    ["TimeoutStopUSec", timeSpanText(stopTimeout(service ?? {}))],
    ["PIDFile", service?.PIDFile ?? ""],
    ["MainPID", String(mainPid)],
    ["ControlPID", "0"],
    ["NRestarts", String(status?.lastRespawns.length ?? 0)],
    ["Result", result],
    ["ExecMainPID", String(mainPid)],
    ["ExecMainCode", String(last === 0 ? 0 : signal === 0 ? 1 : 2)],
    ["ExecMainStatus", String(signal === 0 ? last >> 8 : signal)],
    ["StatusText", textOf(status)],
    ["RemainAfterExit", yes(service?.RemainAfterExit === true)],
    ["User", service?.User ?? ""],
    ["Group", service?.Group ?? ""],
  ];
}

function textOf(status: ServiceStatus | undefined): string {
  const text = status?.extra.get("status-text");
  return typeof text === "string" ? text : "";
}
