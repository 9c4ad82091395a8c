// The type of the service for programs that run with more privileges than whoever calls them: set-user-ID, set-group-ID,
// and with capabilities.

import { basename } from "node:path";
import { type Checks, check, checkValue, fail, show } from "../../daemon/definition/check.js";
import { fields, isText, listOf } from "../../daemon/definition/fields.js";
import { type ActivationSnippet, internalStep, type PrivilegedProgramsStep } from "../activation/steps.js";
import { recordConstructor } from "../composition/record.js";
import { serviceExtension, serviceType } from "../composition/service-type.js";
import { type FileLike, fileLikeCheck, filePath } from "../files/file-like.js";
import { warn } from "../warn.js";
import { activationServiceType } from "./activation.js";
import { append } from "./lists.js";

/** A program that runs with more privileges than whoever calls it. */
export interface PrivilegedProgram {
  /** The program, which is copied. */
  readonly program: FileLike;
  /** Whether it runs as `user`; default false. */
  readonly setuid: boolean;
  /** Whether it runs with the group `group`; default false. */
  readonly setgid: boolean;
  /** Its owner, a name or a number; default root. */
  readonly user: string | number;
  /** Its group, a name or a number; default root's. */
  readonly group: string | number;
  /** Capabilities as setcap(8) takes them, such as `"cap_net_raw+ep"`; default none. */
  readonly capabilities: string | undefined;
}

const checks: Checks<PrivilegedProgram> = {
  program: fileLikeCheck,
  setuid: fields.flag,
  setgid: fields.flag,
  user: fields.account,
  group: fields.account,
  capabilities: check<string>(
    'capabilities as setcap(8) takes them, such as "cap_net_raw+ep"',
    (value) => isText(value) && /^[a-z_,]+[+=-][eip]+(?: [a-z_,]+[+=-][eip]+)*$/.test(value),
  ),
};

/**
 * @example privilegedProgram({ program: "/usr/bin/ping", capabilities: "cap_net_raw+ep" })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const privilegedProgram = recordConstructor<PrivilegedProgram, "program">(
  "privilegedProgram",
  checks,
  {
    setuid: false,
    setgid: false,
    user: 0,
    group: 0,
    capabilities: undefined,
  },
);

/** Guix's older record: as `privilegedProgram`, but set-user-ID unless told otherwise. */
export function setuidProgram(given: Parameters<typeof privilegedProgram>[0]): Readonly<PrivilegedProgram> {
  return privilegedProgram({ setuid: true, ...given });
}

/** A program that runs as root: Guix's `file-like->setuid-program`. */
export function fileLikeToSetuidProgram(program: FileLike): Readonly<PrivilegedProgram> {
  return privilegedProgram({ program, setuid: true });
}

const programs = listOf<PrivilegedProgram>(
  "a list of programs made by privilegedProgram(…)",
  privilegedProgram.isInstance,
);

function activation(all: readonly PrivilegedProgram[]): readonly ActivationSnippet[] {
  for (const { program, setuid, setgid, capabilities } of all)
    if (!setuid && !setgid && capabilities === undefined)
      warn(`so-called privileged-program ${describe(program)} lacks any privilege`);
  const names = all.map(({ program }) => basename(filePath(program)));
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined)
    fail({ what: "service 'privileged-program'" }, `two programs are called ${show(twice)}`);
  const step: PrivilegedProgramsStep = { step: "privileged-programs", programs: all };
  return [{ name: "privileged-programs", steps: [internalStep(step)] }];
}

function describe(program: FileLike): string {
  if (typeof program === "string") return program;
  return "suffix" in program ? `${describe(program.base)}${program.suffix}` : program.name;
}

/**
 * Programs with privileges. Its value and its contributions are lists of records made by `privilegedProgram`; the programs
 * are copied to `/run/privileged/bin`.
 */
export const privilegedProgramServiceType = serviceType<
  readonly PrivilegedProgram[],
  readonly PrivilegedProgram[],
  readonly PrivilegedProgram[]
>({
  name: "privileged-program",
  extensions: [serviceExtension(activationServiceType, activation)],
  compose: (contributions) =>
    contributions.flatMap((list) =>
      checkValue({ what: "service 'privileged-program'" }, list, programs, "an extension"),
    ),
  extend: append,
  defaultValue: [],
  description:
    "Collect programs that run with more privileges than whoever calls them: setuid and setgid programs, and such with capabilities.",
});

/** The older name of `privilegedProgramServiceType`. */
export const setuidProgramServiceType = privilegedProgramServiceType;
