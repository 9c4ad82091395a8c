// Conditions about the kernel, the machine and the manager itself.

import { parseAccountId } from "../parser/account-name.js";
import { capabilityNumber, parseCapability } from "../parser/capability.js";
import { isVariableName } from "../parser/environment.js";
import { parseBoolean, parseInteger, parseSize } from "../parser/number.js";
import { isFileName } from "../parser/path.js";
import { splitWords } from "../parser/words.js";
import { matchesPattern } from "../pattern.js";
import { systemdArchitecture } from "../system-facts.js";
import { commandLineValue, commandLineWords } from "./command-line.js";
import { compareVersions, holds, takeOperator } from "./compare.js";
import type { Evaluator } from "./files.js";
import { pressureEvaluators } from "./pressure.js";
import { isSecured } from "./security.js";
import type { SystemView } from "./view.js";
import { hasPrivateUsers, virtualizationOf } from "./virtualization.js";

/** A condition whose parameter makes no sense: it does not hold, whatever `!` says. */
export class ConditionError extends Error {
  override readonly name = "ConditionError";
}

function booleanOf(parameter: string): boolean {
  const flag = parseBoolean(parameter);
  if (flag === undefined) throw new ConditionError(`expected yes or no, got ${JSON.stringify(parameter)}`);
  return flag;
}

async function exists(view: SystemView, path: string): Promise<boolean> {
  return (await view.status(path, true)) !== undefined;
}

export const systemEvaluators = {
  FirstBoot: async (parameter, view) => (await isFirstBoot(view)) === booleanOf(parameter),
  Architecture: async (parameter, view) =>
    parameter === "native"
      ? view.facts.architecture === systemdArchitecture()
      : parameter === view.facts.architecture,
  Firmware: async (parameter, view) => {
    if (parameter === "uefi") return exists(view, "/sys/firmware/efi");
    if (parameter === "device-tree") return exists(view, "/sys/firmware/devicetree");
    const [, compatible] = /^device-tree-compatible\((.*)\)$/.exec(parameter) ?? [];
    const text = (await view.text("/proc/device-tree/compatible")) ?? "";
    return compatible !== undefined && text.split("\0").includes(compatible);
  },
  Virtualization: async (parameter, view) => {
    if (parameter === "private-users") return hasPrivateUsers(view);
    const found = await virtualizationOf(view);
    const flag = parseBoolean(parameter);
    if (flag !== undefined) return flag === (found !== undefined);
    return found?.kind === parameter || found?.name === parameter;
  },
  Host: async (parameter, view) => {
    const id = parameter.replaceAll("-", "").toLowerCase();
    if (/^[0-9a-f]{32}$/.test(id)) return id === view.facts.machineId;
    return matchesPattern(view.facts.hostName.toLowerCase(), parameter.toLowerCase());
  },
  KernelCommandLine: async (parameter, view) =>
    (await commandLineWords(view)).some(
      (word) => word === parameter || (!parameter.includes("=") && word.startsWith(`${parameter}=`)),
    ),
  KernelVersion: async (parameter, view) => matchesVersions(parameter, view.facts.kernelRelease),
  Credential: async (parameter, view) => {
    if (!isFileName(parameter)) return false;
    const places = view.credentialDirectories.map((directory) => exists(view, `${directory}/${parameter}`));
    return (await Promise.all(places)).includes(true);
  },
  Security: (parameter, view) => isSecured(parameter, view),
  Capability: async (parameter, view) => {
    const capability = parseCapability(parameter);
    if (capability === undefined)
      throw new ConditionError(`expected a capability, got ${JSON.stringify(parameter)}`);
    const [, digits = "0"] =
      /^CapBnd:\s*([0-9a-f]+)/m.exec((await view.text("/proc/self/status")) ?? "") ?? [];
    return ((BigInt(`0x${digits}`) >> BigInt(capabilityNumber(capability))) & 1n) === 1n;
  },
  ACPower: async (parameter, view) => (await isOnAcPower(view)) === booleanOf(parameter),
  Memory: async (parameter, view) => compareAmount(parameter, view.memory, (text) => parseSize(text)),
  CPUFeature: async (parameter, view) => {
    const [, flags = ""] =
      /^(?:flags|Features)\s*:(.*)$/m.exec((await view.text("/proc/cpuinfo")) ?? "") ?? [];
    return flags
      .trim()
      .split(/\s+/)
      .includes(cpuFlags.get(parameter) ?? parameter);
  },
  CPUs: async (parameter, view) => compareAmount(parameter, view.cpus, parseInteger),
  Environment: async (parameter, { environment }) => {
    const equals = parameter.indexOf("=");
    const name = equals < 0 ? parameter : parameter.slice(0, equals);
    const value = isVariableName(name) ? environment[name] : undefined;
    return equals < 0 ? value !== undefined : value === parameter.slice(equals + 1);
  },
  User: async (parameter, { facts: { user } }) => {
    if (parameter === "@system") return user.uid <= 999 || user.uid === 65_534;
    return parameter === user.name || parseAccountId(parameter) === user.uid;
  },
  Group: async (parameter, { groups }) => groups.includes(parameter),
  ControlGroupController: (parameter, view) => hasControllers(parameter, view),
  OSRelease: async (parameter, { facts: { osRelease } }) =>
    splitConditionWords(parameter).every((word) => matchesRelease(word, osRelease)),
  ...pressureEvaluators,
} as const satisfies Readonly<Record<string, Evaluator>>;

function splitConditionWords(text: string): readonly string[] {
  try {
    return splitWords(text);
  } catch {
    throw new ConditionError(`expected balanced quotes, got ${JSON.stringify(text)}`);
  }
}

async function isFirstBoot(view: SystemView): Promise<boolean> {
  const forced = parseBoolean((await commandLineValue(view, "systemd.condition-first-boot")) ?? "");
  return forced ?? exists(view, "/run/systemd/first-boot");
}

/** Where there is nothing that supplies power, it comes from somewhere else. */
async function isOnAcPower(view: SystemView): Promise<boolean> {
  const directory = "/sys/class/power_supply";
  let offline = false;
  for (const name of (await view.list(directory)) ?? []) {
    const type = (await view.text(`${directory}/${name}/type`))?.trim();
    if (type !== "Mains" && type !== "USB") continue;
    if ((await view.text(`${directory}/${name}/online`))?.trim() !== "0") return true;
    offline = true;
  }
  return !offline;
}

/** `N` means at least N. */
function compareAmount(
  parameter: string,
  actual: number,
  read: (text: string) => number | undefined,
): boolean {
  const { operator, rest } = takeOperator(parameter) ?? { operator: ">=" as const, rest: parameter };
  const wanted = read(rest);
  if (wanted === undefined) throw new ConditionError(`expected a number, got ${JSON.stringify(parameter)}`);
  return holds(actual - wanted, operator);
}

/** systemd's names of the processor's features that are others in /proc/cpuinfo. */
const cpuFlags: ReadonlyMap<string, string> = new Map([
  ["fma3", "fma"],
  ["pclmul", "pclmulqdq"],
  ["osxsave", "xsave"],
]);

/** Words, each a pattern, or an operator and a version, which may be the next word. */
function matchesVersions(parameter: string, release: string): boolean {
  const words = [...splitConditionWords(parameter)];
  for (let word = words.shift(); word !== undefined; word = words.shift()) {
    const comparison = takeOperator(word);
    if (comparison === undefined) {
      if (!matchesPattern(release, word)) return false;
      continue;
    }
    const version = comparison.rest === "" ? words.shift() : comparison.rest;
    if (version === undefined) throw new ConditionError(`expected a version after ${JSON.stringify(word)}`);
    if (!holds(compareVersions(release, version), comparison.operator)) return false;
  }
  return true;
}

/** `FIELD=VALUE` and `!=` compare texts, `$=` and `!$=` patterns, the others versions. */
function matchesRelease(word: string, release: ReadonlyMap<string, string>): boolean {
  const [, field, operator = "", wanted = ""] =
    /^([A-Z0-9_]+)(!?\$=|<=|>=|!=|==|<|>|=)(.*)$/su.exec(word) ?? [];
  if (field === undefined)
    throw new ConditionError(`expected a field, an operator and a value, got ${JSON.stringify(word)}`);
  const actual = release.get(field) ?? "";
  if (operator.endsWith("$=")) return matchesPattern(actual, wanted) !== operator.startsWith("!");
  if (operator === "=" || operator === "!=") return (actual === wanted) === (operator === "=");
  const comparison = takeOperator(operator);
  return comparison !== undefined && holds(compareVersions(actual, wanted), comparison.operator);
}

const controllers = ["cpu", "cpuacct", "cpuset", "io", "blkio", "memory", "devices", "pids"];

async function hasControllers(parameter: string, view: SystemView): Promise<boolean> {
  const unified = await view.text("/sys/fs/cgroup/cgroup.controllers");
  if (parameter === "v2") return unified !== undefined;
  if (parameter === "v1") return unified === undefined;
  const older = (await view.list("/sys/fs/cgroup")) ?? [];
  const available =
    unified === undefined ? older.flatMap((name) => name.split(",")) : unified.trim().split(" ");
  // What is no controller is passed over, as systemd does.
  const wanted = splitConditionWords(parameter).filter((name) => controllers.includes(name));
  return wanted.every((name) => available.includes(name) || (unified !== undefined && name === "cpuacct"));
}
