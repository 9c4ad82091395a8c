// `herd doc` and `herd help`.
import { isList, type Sexp } from "../../protocol/sexp.js";
import { action } from "./action.js";
import type { View } from "./view.js";

/** Documentation comes as messages. */
export const doc: View = {
  ...action,
  json: ({ messages }, { service, words }) =>
    words[0] === "list-actions"
      ? { service, actions: parseActions(messages.join("\n")) }
      : { service, documentation: messages.join("\n") },
};

/** Here the text is the result. */
export const help: View = {
  text: ({ result }) => `${helpText(result)}\n`,
  json: ({ result }) => ({ help: helpText(result) }),
};

function helpText(result: Sexp): string {
  const [text] = isList(result) ? result : [];
  return typeof text === "string" ? text : "";
}

/** Undoes the layout of `list-actions`: a line `name:`, its documentation indented by two spaces, a blank line. */
function parseActions(text: string): { name: string; documentation: string }[] {
  return text.split(/^(?=\S+:\n {2})/m).flatMap((block) => {
    const [, name, documentation] = /^(\S+):\n {2}([\s\S]*)$/.exec(block) ?? [];
    if (name === undefined || documentation === undefined) return [];
    return [{ name, documentation: documentation.trim() }];
  });
}
