// The last lines of a service, read from what the log writer wrote: bounded reads, whatever the size of the files.

import { constants } from "node:fs";
import { type FileHandle, open } from "node:fs/promises";
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
  const packed = await tailOf(`${file}.1.gz`);
  if (packed?.isWhole !== true) return "";
  try {
    const bytes = await unzip(packed.bytes, { maxOutputLength: unzippedLimit });
    const from = Math.max(0, bytes.length - tailLimit);
    return fromLineOn({ bytes: bytes.subarray(from), isWhole: from === 0 });
  } catch {
    return "";
  }
}

/** The end of a file, from the beginning of a line; nothing of one that cannot be read. */
async function readTail(path: string): Promise<string> {
  const tail = await tailOf(path);
  return tail === undefined ? "" : fromLineOn(tail);
}

interface Tail {
  readonly bytes: Buffer;
  /** Whether there is nothing before it. */
  readonly isWhole: boolean;
}

function fromLineOn({ bytes, isWhole }: Tail): string {
  return (isWhole ? bytes : bytes.subarray(bytes.indexOf(0x0a) + 1)).toString();
}

async function tailOf(path: string): Promise<Tail | undefined> {
  let handle: FileHandle;
  try {
    // Who may write into the directory can put a FIFO there, for whose writer we would wait.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
  try {
    const stat = await handle.stat();
    if (!stat.isFile()) return undefined;
    const from = Math.max(0, stat.size - tailLimit);
    const { buffer, bytesRead } = await handle.read({
      buffer: Buffer.alloc(stat.size - from),
      position: from,
    });
    return { bytes: buffer.subarray(0, bytesRead), isWhole: from === 0 };
  } catch {
    return undefined;
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
