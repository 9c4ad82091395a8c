// Turns what was thrown while a module was evaluated into a message that points at the user's own source.

import { formatPosition, positionOf, userPosition } from "../definition/call-site.js";
import { DefinitionError, show } from "../definition/check.js";

/** `FILE:LINE:COLUMN: NAME: MESSAGE`; without the place where none is known. */
export function explain(error: unknown, file: string): string {
  if (!(error instanceof Error)) return `${file}: threw ${show(error)}`;
  const text = error instanceof DefinitionError ? error.message : `${error.name}: ${error.message}`;
  const place = placeOf(error.stack ?? "") ?? file;
  return isPlaced(error, text) || text.startsWith(`${place}: `) ? text : `${place}: ${text}`;
}

/** Builders name the place themselves. Where it is in a package, who uses that wants to know their own too. */
function isPlaced(error: Error, text: string): boolean {
  const file = /^(\/[^\n]*?):\d+:\d+: /.exec(text)?.[1];
  return error instanceof DefinitionError && file !== undefined && !file.includes("/node_modules/");
}

/** The innermost place in the user's own code; else in a package that it uses. */
function placeOf(stack: string): string | undefined {
  const positions = stack.split("\n").flatMap((line) => {
    const position = positionOf(line);
    return position === undefined ? [] : [userPosition(position)];
  });
  const place = positions.find(({ file }) => !file.includes("/node_modules/")) ?? positions[0];
  return place === undefined ? undefined : formatPosition(place);
}
