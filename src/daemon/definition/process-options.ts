// The options of constructors that run a program, checked.

import { type Check, check, checks, isRecord } from "./check.js";
import { resourceNumbers } from "./limits.js";

const { isCount, isText } = checks;

const isLimit = (value: unknown): boolean => value === "unlimited" || isCount(value);

const environment = check(
  '"NAME=VALUE" strings, or an object of strings',
  (value) =>
    (Array.isArray(value) && value.every((item) => isText(item) && item.indexOf("=") > 0)) ||
    (isRecord(value) &&
      Object.entries(value).every(
        ([name, text]) => name !== "" && !name.includes("=") && isText(name) && isText(text),
      )),
);

const limits = check(
  `an object of limits by name (${Object.keys(resourceNumbers).join(", ")}), each a number, "unlimited" or {soft, hard}`,
  (value) =>
    isRecord(value) &&
    Object.entries(value).every(
      ([name, limit]) =>
        Object.hasOwn(resourceNumbers, name) &&
        (isLimit(limit) ||
          (isRecord(limit) &&
            Object.keys(limit).every((key) => key === "soft" || key === "hard") &&
            isLimit(limit.soft) &&
            isLimit(limit.hard))),
    ),
);

export const processChecks: Readonly<Record<string, Check<unknown>>> = {
  user: checks.account,
  group: checks.account,
  supplementaryGroups: checks.list("a list of names or numbers of groups", (item) =>
    checks.account.matches(item),
  ),
  logFile: check("an absolute file name", (value) => isText(value) && value.startsWith("/")),
  directory: check("an absolute directory name", (value) => isText(value) && value.startsWith("/")),
  fileCreationMask: check("a mask from 0 to 0o777", (value) => isCount(value) && value <= 0o777),
  createSession: checks.boolean,
  environmentVariables: environment,
  resourceLimits: limits,
};

export const forkexecChecks: Readonly<Record<string, Check<unknown>>> = {
  ...processChecks,
  pidFile: check("an absolute file name", (value) => isText(value) && value.startsWith("/")),
  pidFileTimeout: checks.duration,
};
