// Steps as the system directory keeps them: JSON, in which every file-like value is a name.

import { type FileLike, filePath } from "../files/file-like.js";
import type { BootSnippet, BootStep } from "./steps.js";

/** Every file-like value that a step uses. */
function filesOfStep(step: BootStep): readonly FileLike[] {
  switch (step.step) {
    case "file":
      return step.source === undefined ? [] : [step.source];
    case "symlink":
      return [step.target];
    case "run":
      return step.command;
    case "accounts":
      return step.users.map(({ shell }) => shell);
    case "privileged-programs":
      return step.programs.map(({ program }) => program);
    case "supervise":
      return [...(step.program === undefined ? [] : [step.program]), ...step.files];
    default:
      return [];
  }
}

export function filesOfSteps(snippets: readonly BootSnippet[]): readonly FileLike[] {
  return snippets.flatMap(({ steps }) => steps.flatMap(filesOfStep));
}

/** The same step, in which every file-like value is a string. */
export function loweredStep(step: BootStep): BootStep {
  switch (step.step) {
    case "file":
      return step.source === undefined ? step : { ...step, source: filePath(step.source) };
    case "symlink":
      return { ...step, target: filePath(step.target) };
    case "run": {
      const [program, ...words] = step.command;
      return { ...step, command: [filePath(program), ...words.map(filePath)] };
    }
    case "accounts":
      return { ...step, users: step.users.map((user) => ({ ...user, shell: filePath(user.shell) })) };
    case "privileged-programs":
      return {
        ...step,
        programs: step.programs.map((one) => ({ ...one, program: filePath(one.program) })),
      };
    case "supervise":
      return {
        step: "supervise",
        ...(step.program === undefined ? {} : { program: filePath(step.program) }),
        files: [],
      };
    default:
      return step;
  }
}

/** The version of the format, which readers check. */
export const formatVersion = 1;

/** The text of `activation.json` and `boot.json`. */
export function lowered(snippets: readonly BootSnippet[]): string {
  const data = {
    version: formatVersion,
    snippets: snippets.map(({ name, steps }) => ({ name, steps: steps.map(loweredStep) })),
  };
  return `${JSON.stringify(data, undefined, 2)}\n`;
}
