// The last lines of a service, read from what the log writer wrote: bounded reads, whatever the size of the files.

import { type FileHandle, open, readFile, stat } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";

export interface LogLine {
  /** Seconds since the epoch. */
  readonly time: number;
  readonly line: string;
}

/** How far back from a file's end is read. */
const tailLimit = 256 * 1024;
/** How much a small compressed file may become. */
const unzippedLimit = 16 * 1024 * 1024;
const unzip = promisify(gunzip);
const recentStamp = /^(\d+\.\d{9}) (.*)$/s;
const fileStamp = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d) (.*)$/s;

/** The two segments of a recent history, oldest first. */
export function recentFiles(recent: string): readonly [string, string] {
  return [`${recent}.1`, recent];
}

/** The last `count` lines of a service: of its file, and of its recent history. */
export async function readHistory(
  file: string | undefined,
  recent: string | undefined,
  count: number,
): Promise<LogLine[]> {
  if (count <= 0) return [];
  const lines: LogLine[] = file === undefined ? [] : parseLines(await readTail(file), parseFileLine);
  // What a rotation has just moved aside is still the end of the log.
  if (file !== undefined && lines.length < count)
    lines.unshift(...parseLines(await readRotated(file), parseFileLine));
  for (const segment of recent === undefined ? [] : recentFiles(recent))
    lines.push(...parseLines(await readTail(segment), parseRecentLine));
  // With a file the recent history has only what the file could not take; sorting is stable.
  if (file !== undefined) lines.sort((a, b) => a.time - b.time);
  return lines.slice(-count);
}

/** The end of the file that was rotated last, be it compressed; nothing of one that would take long. */
async function readRotated(file: string): Promise<string> {
  const plain = await readTail(`${file}.1`);
  if (plain !== "") return plain;
  try {
    const path = `${file}.1.gz`;
    if ((await stat(path)).size > tailLimit) return "";
    const text = await unzip(await readFile(path), { maxOutputLength: unzippedLimit });
    const tail = text.subarray(Math.max(0, text.length - tailLimit));
    return (tail.length === text.length ? tail : tail.subarray(tail.indexOf(0x0a) + 1)).toString();
  } catch {
    return "";
  }
}

/** The end of a file, from the beginning of a line; nothing of one that cannot be read. */
async function readTail(path: string): Promise<string> {
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch {
    return "";
  }
  try {
    const { size } = await handle.stat();
    const from = Math.max(0, size - tailLimit);
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(size - from), position: from });
    const tail = buffer.subarray(0, bytesRead);
    return (from === 0 ? tail : tail.subarray(tail.indexOf(0x0a) + 1)).toString();
  } catch {
    return "";
  } finally {
    await handle.close();
  }
}

function parseLines(text: string, parse: (line: string) => LogLine | undefined): LogLine[] {
  const lines: LogLine[] = [];
  for (const line of text.split("\n")) {
    // A line that somebody else wrote into the file belongs to the one before it.
    const time = lines.at(-1)?.time ?? 0;
    if (line !== "") lines.push(parse(line) ?? { time, line });
  }
  return lines;
}

function parseRecentLine(text: string): LogLine | undefined {
  const [, time, line] = recentStamp.exec(text) ?? [];
  return time === undefined || line === undefined ? undefined : { time: Number(time), line };
}

function parseFileLine(text: string): LogLine | undefined {
  const match = fileStamp.exec(text);
  if (match === null) return undefined;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = match.slice(1, 7).map(Number);
  const time = new Date(year, month - 1, day, hour, minute, second).getTime() / 1000;
  return { time, line: match[7] ?? "" };
}
