// Carries out the activation of a system, and its boot, from the data in its directory. Every step can be carried out again:
// what is right already is left alone.

import { readdir, readFile, realpath } from "node:fs/promises";
import { errorText } from "../../daemon/error-text.js";
import { filePath } from "../files/file-like.js";
import { type ActivationContext, carryOut } from "./carry-out.js";
import { explained, PlaceError } from "./directory.js";
import { readSnippets } from "./program.js";
import type { BootSnippet, BootStep } from "./steps.js";
import { putStoredFiles } from "./stored-files.js";

export interface ActivationOptions {
  /** Where the file system begins that is activated; default `/`. */
  readonly root?: string | undefined;
  /** Gets a line for each thing that is odd or has failed. */
  readonly log: (line: string) => void;
}

/** Something that could not be done. */
export interface ActivationFailure {
  /** Whose snippet it is in. */
  readonly snippet: string;
  /** What could not be done to what, and why. */
  readonly error: string;
}

const descriptors = "/proc/self/fd";

/** Puts the files of a system in place, before anything that may use them. */
const storedFiles = "files";

/**
 * Activates the system in a directory. Services need not run, and those that do are not touched. A snippet that fails is
 * told, and those after it are carried out.
 *
 * @returns what has failed
 * @throws PlaceError where the directory does not say what to do
 */
export async function activate(
  systemDirectory: string,
  options: ActivationOptions,
): Promise<readonly ActivationFailure[]> {
  const context = await contextOf(systemDirectory, options);
  const snippets = await readSnippets(context.systemDirectory, "activation.json");
  const failures = [
    await attempt(context, storedFiles, async () => await putStoredFiles(context, context.systemDirectory)),
  ];
  for (const { name, steps } of snippets)
    failures.push(
      await attempt(context, name, async () => {
        for (const step of steps) await carryOut(context, activationStep(step));
      }),
    );
  return failures.flat();
}

export interface BootOptions extends ActivationOptions {
  /**
   * Whether `/tmp` and `/run` are emptied; default: where the first process of the system or container is the one that
   * boots it. Elsewhere they are somebody else's too.
   */
  readonly cleanup?: boolean | undefined;
}

export interface BootResult {
  readonly failures: readonly ActivationFailure[];
  /** The program that is to supervise; undefined: we ourselves. */
  readonly program?: string | undefined;
}

/**
 * Does all that a boot does before the supervisor takes over, its activation among it.
 *
 * @throws PlaceError where the directory does not say what to do
 */
export async function boot(systemDirectory: string, options: BootOptions): Promise<BootResult> {
  const { cleanup = await isFirstProcess() } = options;
  const context = await contextOf(systemDirectory, options);
  const snippets = await readSnippets(context.systemDirectory, "boot.json");
  const failures: ActivationFailure[] = [];
  for (const { name, steps } of snippets) {
    const failed = await attempt(context, name, async () => {
      for (const step of steps) {
        if (step.step === "activate") failures.push(...(await activate(systemDirectory, options)));
        else if (step.step !== "supervise" && (step.step !== "cleanup" || cleanup))
          await carryOut(context, step);
      }
    });
    failures.push(...failed);
  }
  return { failures, ...supervisorOf(snippets) };
}

/** Whether the first process is this one, or the script `shepherd system boot` that has started this one. */
async function isFirstProcess(): Promise<boolean> {
  if (process.pid === 1) return true;
  if (process.ppid !== 1) return false;
  try {
    const words = (await readFile("/proc/1/cmdline", "utf8")).split("\0");
    return words.some((word, index) => word === "system" && words[index + 1] === "boot");
  } catch {
    return false;
  }
}

function supervisorOf(snippets: readonly BootSnippet[]): { readonly program?: string } {
  for (const step of snippets.flatMap(({ steps }) => steps))
    if (step.step === "supervise" && step.program !== undefined) return { program: filePath(step.program) };
  return {};
}

/** What may be in an activation: a boot has more. */
function activationStep(step: BootStep): Parameters<typeof carryOut>[1] {
  if (step.step === "activate" || step.step === "supervise")
    throw new Error(`a step "${step.step}" is for boots`);
  return step;
}

async function attempt(
  { log }: ActivationContext,
  snippet: string,
  action: () => Promise<void>,
): Promise<readonly ActivationFailure[]> {
  try {
    await action();
    return [];
  } catch (error) {
    const text = errorText(error);
    log(`error: ${text}`);
    log(`failed to activate '${snippet}'`);
    return [{ snippet, error: text }];
  }
}

/** By real names: a link to the system, such as `/run/current-system`, would come to point at itself. */
async function contextOf(
  directory: string,
  { root = "/", log }: ActivationOptions,
): Promise<ActivationContext> {
  // By way of it all places are reached; without it everything would seem to be missing.
  await readdir(descriptors).catch((error: unknown) => {
    throw new PlaceError(descriptors, "not there; mount a proc file system on /proc", "ENOENT", error);
  });
  const systemDirectory = await explained(directory, realpath(directory));
  const top = await explained(root, realpath(root));
  const isBelow = top !== "/" && systemDirectory.startsWith(`${top}/`);
  return {
    root: top,
    systemDirectory,
    systemName: isBelow ? systemDirectory.slice(top.length) : systemDirectory,
    log,
  };
}
