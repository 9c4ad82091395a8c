// Where in the user's file a builder was called: taken from the stack when it is called, and mapped through the
// compiled file's source map only when an error is printed.

import { readFileSync } from "node:fs";
import { SourceMap } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { SourcePosition } from "./types.js";

/** Frames above ours that are looked at; a configuration seldom wraps a builder deeper. */
const depth = 12;

/** The position, in the compiled file, of the innermost call from a compiled configuration; undefined elsewhere. */
export function callSite(): SourcePosition | undefined {
  const limit = Error.stackTraceLimit;
  Error.stackTraceLimit = depth;
  const { stack = "" } = new Error("call site");
  Error.stackTraceLimit = limit;
  return positionOf(stack);
}

/** The innermost frame of `stack` that lies in a compiled configuration. */
export function positionOf(stack: string): SourcePosition | undefined {
  for (const line of stack.split("\n")) {
    const frame = /(?:\(|at )(file:\/\/.+?\.mjs)(?:\?[^:]*)?:(\d+):(\d+)\)?$/.exec(line);
    if (frame?.[1] === undefined) continue;
    return { file: fileURLToPath(frame[1]), line: Number(frame[2]), column: Number(frame[3]) };
  }
  return undefined;
}

/** The position in the file that the user wrote. Without a source map beside the compiled file it is left as it is. */
export function userPosition(position: SourcePosition): SourcePosition {
  try {
    const map = JSON.parse(readFileSync(`${position.file}.map`, "utf8")) as ConstructorParameters<
      typeof SourceMap
    >[0];
    const entry = new SourceMap(map).findEntry(position.line - 1, position.column - 1);
    if (!("originalSource" in entry) || entry.originalSource === undefined) return position;
    return {
      file: resolve(dirname(position.file), entry.originalSource),
      line: entry.originalLine + 1,
      column: entry.originalColumn + 1,
    };
  } catch {
    return position; // Better a position in the compiled file than none.
  }
}

/** `FILE:LINE:COLUMN`. */
export function formatPosition({ file, line, column }: SourcePosition): string {
  return `${file}:${line}:${column}`;
}
