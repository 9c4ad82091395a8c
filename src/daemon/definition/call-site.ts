// Where in the user's file a builder was called: taken from the stack while it runs, and mapped through the compiled file's
// source map only when there is something to say about it.

import { readFileSync } from "node:fs";
import { SourceMap, type SourceMapPayload } from "node:module";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import type { SourcePosition } from "./types.js";

/** Frames above ours that are looked at; a configuration seldom wraps a builder deeper. */
const depth = 16;

/** Compiled configurations are the only ES modules by this name here; the daemon itself is no `.mjs`. */
const compiledUrl = /^file:\/\/[^?#]+\.mjs(?:[?#]|$)/;

/**
 * The position of a frame, found out when it is asked for: the engine looks through all positions of the function, and a
 * configuration of many services is one function.
 */
class CallSitePosition implements SourcePosition {
  #site: NodeJS.CallSite | undefined;
  #found: SourcePosition | undefined;

  constructor(site: NodeJS.CallSite) {
    this.#site = site;
  }

  get file(): string {
    return this.#position.file;
  }

  get line(): number {
    return this.#position.line;
  }

  get column(): number {
    return this.#position.column;
  }

  get #position(): SourcePosition {
    this.#found ??= {
      file: fileURLToPath(this.#site?.getFileName() ?? ""),
      line: this.#site?.getLineNumber() ?? 1,
      column: this.#site?.getColumnNumber() ?? 1,
    };
    this.#site = undefined;
    return this.#found;
  }
}

/** Not left to what a package of the user's may have set. */
const asSites: typeof Error.prepareStackTrace = (_, sites) => sites;

/**
 * The position, in the compiled file, of the innermost call from a compiled configuration; undefined elsewhere. It costs
 * a few microseconds, however long the file is: the frames are never made into text.
 */
export function callSite(): SourcePosition | undefined {
  const { stackTraceLimit, prepareStackTrace } = Error;
  const trace: { stack?: readonly NodeJS.CallSite[] } = {};
  try {
    Error.stackTraceLimit = depth;
    Error.prepareStackTrace = asSites;
    Error.captureStackTrace(trace, callSite);
    const site = trace.stack?.find((frame) => compiledUrl.test(frame.getFileName() ?? ""));
    return site === undefined ? undefined : new CallSitePosition(site);
  } finally {
    Error.stackTraceLimit = stackTraceLimit;
    Error.prepareStackTrace = prepareStackTrace;
  }
}

/** The innermost frame of an error's `stack` that lies in a compiled configuration. */
export function positionOf(stack: string): SourcePosition | undefined {
  for (const line of stack.split("\n")) {
    const frame = /(?:\(|at )(file:\/\/.+?\.mjs)(?:\?[^:]*)?:(\d+):(\d+)\)?$/.exec(line);
    if (frame?.[1] === undefined) continue;
    return { file: fileURLToPath(frame[1]), line: Number(frame[2]), column: Number(frame[3]) };
  }
  return undefined;
}

/**
 * The position in the file that the user wrote, by the source map beside the compiled file: `FILE.map`. Without one it is
 * left as it is.
 */
export function userPosition(position: SourcePosition): SourcePosition {
  try {
    const map = JSON.parse(readFileSync(`${position.file}.map`, "utf8")) as SourceMapPayload;
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
