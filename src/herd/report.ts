// What herd says on standard error: errors and hints, in GNU herd's words.
import type { CommandError } from "../protocol/messages.js";
import { writeSexp } from "../protocol/sexp-writer.js";
import type { Output } from "./output.js";
import { describeException, display } from "./render/exception.js";
import { printable } from "./render/printable.js";
import type { Style } from "./render/style.js";

export interface Reporter {
  readonly line: (text: string) => void;
  /** What went otherwise than usual, and yet well. */
  readonly notice: (text: string) => void;
  readonly error: (text: string) => void;
  readonly hint: (text: string) => void;
}

export function reporter(errors: Output, isTerminal: boolean, style: Style): Reporter {
  const line = (text: string, prefix = "") =>
    errors.write(`${prefix}${isTerminal ? printable(text) : text}\n`);
  return {
    line: (text) => line(text),
    notice: (text) => line(text, "herd: "),
    error: (text) => line(text, `herd: ${style.error("error")}: `),
    hint: (text) => line(text, `herd: ${style.hint("hint")}: `),
  };
}

export function commandErrorText(error: CommandError): string {
  switch (error.kind) {
    case "service-not-found":
      return `service '${display(error.service)}' could not be found`;
    case "action-not-found":
      return `service '${display(error.service)}' does not have an action '${display(error.action)}'`;
    case "action-exception": {
      const what = `'${display(error.action)}' on service '${display(error.service)}'`;
      return `exception caught while executing ${what}:\n${describeException(error.key, error.arguments)}`;
    }
    case "service-error":
      return "something went wrong: (error (version 0) service-error)";
    case "other":
      return `something went wrong: ${writeSexp(error.error)}`;
  }
}

/** Words that, where a service's name belongs, show that the user swapped action and service. */
const commonActions: ReadonlySet<string> = new Set(["start", "stop", "status", "doc"]);
const rootActions: ReadonlySet<string> = new Set([
  "help",
  "halt",
  "power-off",
  "reboot",
  "kexec",
  "shutdown",
  "cancel-shutdown",
  "load",
  "eval",
  "unload",
  "reload",
  "daemonize",
  "restart",
  "upgrade",
  "rotate",
]);

/** What the user may have meant. */
export function hintFor(
  error: CommandError,
  action: string,
  service: string | undefined,
): string | undefined {
  const isSwapped =
    service !== undefined && (commonActions.has(service) || (action === "root" && rootActions.has(service)));
  if (isSwapped) return `Did you mean 'herd ${service} ${action}'?`;
  if (error.kind !== "action-not-found") return undefined;
  return `Run 'herd doc ${display(error.service)} list-actions' to list supported actions.`;
}
