// Files that are named on a command line, of which `-` is the standard input.

import type { SourceText } from "../tmpfiles/sources.js";

/** More is no file of anybody's. */
const mostBytes = 4 * 2 ** 20;

export async function sourceFrom(name: string): Promise<string | SourceText> {
  if (name !== "-") return name;
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of process.stdin as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > mostBytes) throw new Error(`the standard input has more than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return { file: "<standard input>", text: Buffer.concat(chunks).toString("utf8") };
}
