// Pictures of a system's graphs, by Graphviz.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { CommandError } from "./error.js";

/** What Graphviz makes of `dot`, as SVG. Throws CommandError where it is not installed or fails. */
export async function svgOf(dot: string): Promise<string> {
  const child = spawn("dot", ["-Tsvg"], { stdio: ["pipe", "pipe", "inherit"] });
  const chunks: Buffer[] = [];
  child.stdout.on("data", (chunk: Buffer) => chunks.push(chunk));
  // A program that ends without reading everything says why itself.
  child.stdin.on("error", () => undefined);
  child.stdin.end(dot);
  let status: unknown;
  try {
    [status] = (await once(child, "close")) as [unknown];
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
    throw new CommandError(
      "a picture takes the program 'dot', which is not installed: install graphviz, or do without --svg",
    );
  }
  if (status !== 0) throw new CommandError(`dot has failed with status ${String(status)}`);
  return Buffer.concat(chunks).toString("utf8");
}
