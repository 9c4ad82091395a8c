// Which of the numbered lines of helper.c's `blast` arrived in a log, over all its files.

import { createReadStream } from "node:fs";
import { createInterface } from "node:readline";
import { createGunzip } from "node:zlib";

const whole = /(\d{10}) (x+)$/;
/** What follows the number and the space in a line of 100 bytes. */
const filling = 88;

export async function countLines(
  files: readonly string[],
  lines: number,
): Promise<{ readonly lost: number }> {
  const seen = new Uint8Array(lines);
  const odd: string[] = [];
  for (const file of files) {
    const bytes = createReadStream(file);
    const text = file.endsWith(".gz") ? bytes.pipe(createGunzip()) : bytes;
    for await (const line of createInterface({ input: text, crlfDelay: Number.POSITIVE_INFINITY })) {
      if (!take(seen, line)) odd.push(line);
    }
  }
  // A line that rotation has cut in two is not lost.
  for (const head of odd) odd.some((tail) => head !== tail && take(seen, head + tail));
  return { lost: seen.reduce((lost, count) => lost + (count === 0 ? 1 : 0), 0) };
}

function take(seen: Uint8Array, line: string): boolean {
  const found = whole.exec(line);
  if (found === null || found[2]?.length !== filling) return false;
  const number = Number(found[1]);
  if (number >= seen.length) return false;
  seen[number] = 1;
  return true;
}
