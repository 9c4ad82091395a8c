// The options of constructors that run a program, checked.

import { isCells, mostCells, mostScrollback } from "../../protocol/console.js";
import { supervisionChecks } from "../readiness/options.js";
import { type Checks, check, isRecord } from "./check.js";
import { fields, isCount, isText, listOf } from "./fields.js";
import { resourceNumbers } from "./limits.js";
import type { ForkexecOptions, ProcessOptions } from "./types.js";

const environment = check(
  '"NAME=VALUE" strings, or an object of strings',
  (value) =>
    (Array.isArray(value) && Array.from(value).every((item) => isText(item) && item.indexOf("=") > 0)) ||
    (isRecord(value) &&
      Object.entries(value).every(
        ([name, text]) => name !== "" && !name.includes("=") && isText(name) && isText(text),
      )),
);

/** A limit as a number that can be compared; undefined where it is none. */
function limitNumber(value: unknown): number | undefined {
  if (value === "unlimited") return Number.POSITIVE_INFINITY;
  return isCount(value) ? value : undefined;
}

function isLimit(value: unknown): boolean {
  if (!isRecord(value)) return limitNumber(value) !== undefined;
  const soft = limitNumber(value.soft);
  const hard = limitNumber(value.hard);
  return Object.keys(value).length === 2 && soft !== undefined && hard !== undefined && soft <= hard;
}

const limits = check(
  `an object of limits by name (${Object.keys(resourceNumbers).join(", ")}), each a number, "unlimited" or {soft, hard} ` +
    "with soft not above hard",
  (value) =>
    isRecord(value) &&
    Object.entries(value).every(([name, limit]) => Object.hasOwn(resourceNumbers, name) && isLimit(limit)),
);

export const processChecks: Checks<ProcessOptions> = {
  user: fields.account,
  group: fields.account,
  supplementaryGroups: listOf("a list of names or numbers of groups", fields.account.matches),
  logFile: fields.absoluteFile,
  directory: check("an absolute directory name", (value) => isText(value) && value.startsWith("/")),
  fileCreationMask: check("a mask from 0 to 0o777", (value) => isCount(value) && value <= 0o777),
  createSession: fields.flag,
  environmentVariables: environment,
  extraEnvironmentVariables: environment,
  resourceLimits: limits,
  secrets: fields.secrets,
  secretFiles: fields.absoluteFiles,
};

function isTerminal(value: unknown): boolean {
  if (typeof value === "boolean") return true;
  if (!isRecord(value)) return false;
  const { columns = 80, rows = 24, scrollback = 0, ...rest } = value;
  return (
    Object.keys(rest).length === 0 &&
    isCells(columns) &&
    isCells(rows) &&
    isCount(scrollback) &&
    scrollback <= mostScrollback
  );
}

export const forkexecChecks: Checks<ForkexecOptions> = {
  ...processChecks,
  ...supervisionChecks,
  terminal: check(
    `true, or an object with columns and rows (each from 1 to ${mostCells}) and scrollback (bytes, at most ${mostScrollback})`,
    isTerminal,
  ),
  pidFile: fields.absoluteFile,
  pidFileTimeout: fields.seconds,
};
