// What a client of the REPL types: lines, and whether an input goes on beyond them.

import { Script } from "node:vm";

/** Characters of one input; a command to the supervisor has not room for many more. */
export const longestInput = 256 * 1024;

/** Lines without their ends, as they come; the last one may lack its own. Throws where one is endless. */
export async function* linesOf(chunks: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = "";
  for await (const chunk of chunks) {
    const lines = (rest + chunk).split("\n");
    rest = lines.pop() ?? "";
    if (rest.length > longestInput) throw new Error(`a line has more than ${longestInput} characters`);
    for (const line of lines) yield line.replace(/\r$/, "");
  }
  if (rest !== "") yield rest;
}

/** Whether more lines could make it well formed, as far as the engine's complaint tells. */
export function isIncomplete(source: string): boolean {
  try {
    // Where it is no keyword, `await` would be complained of before all else.
    new Script(source.replace(/\bawait\b/g, "     "));
    return false;
  } catch (error) {
    if (!(error instanceof SyntaxError)) return false;
    const { message } = error;
    if (message === "Unexpected end of input" || /^Unterminated template/.test(message)) return true;
    if (message === "missing ) after argument list") return pointsAtEnd(error.stack ?? "");
    return message === "Invalid or unexpected token" && hasOpenComment(source);
  }
}

/** The engine shows the line and, below it, where in it the mistake is. */
function pointsAtEnd(stack: string): boolean {
  const lines = stack.split("\n");
  const mark = lines.findIndex((line) => /^\s*\^+$/.test(line));
  return mark > 0 && lines[mark]?.trimEnd().length === lines[mark - 1]?.trimEnd().length;
}

function hasOpenComment(source: string): boolean {
  return source.lastIndexOf("/*") > source.lastIndexOf("*/");
}
