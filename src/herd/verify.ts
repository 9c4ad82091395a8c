// `herd verify UNIT…`: checks systemd units, without a shepherd. The reader of units is a bundle of its own, which no other
// command loads.

import { UsageError } from "../cli/gnu-options.js";
import type { Reply } from "../protocol/messages.js";
import type { Invocation } from "./arguments.js";
import { toldStatus } from "./told-status.js";

export interface VerifySurroundings {
  readonly directory: string;
  readonly write: (text: string) => void;
  readonly error: (text: string) => void;
  /** Asks the shepherd, if there is one, for what changes nothing; undefined where there is no answer now. */
  readonly askQuietly: (action: string, service: string) => Promise<Reply | undefined>;
}

const ACTION = "verify";

/** The exit status; undefined for any other command, and where a service's own action of that name is meant. */
export async function verifyUnits(
  { action, service, words, options }: Invocation,
  { directory, write, error, askQuietly }: VerifySurroundings,
): Promise<0 | 1 | undefined> {
  // Units need no shepherd: who says which one is asked means a service of it.
  if (action !== ACTION || options.socket !== undefined) return undefined;
  const { root, json = false, all = false, strict = false } = options;
  if (service === undefined ? !all : all)
    throw new UsageError("verify: expected units, or --all without any");
  const mayBeService =
    service !== undefined && !all && !strict && root === undefined && !/[/.@]/.test(service);
  if (mayBeService && toldStatus(await askQuietly("status", service))?.actions.includes(ACTION) === true)
    return undefined;
  const { verify } = await import("../../systemd-compat/verify.js");
  const units = service === undefined ? [] : [service, ...words];
  return await verify(
    { units, all, strict, json, directory, ...(root === undefined ? {} : { root }) },
    { write, error },
  );
}
