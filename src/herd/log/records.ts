// From the bytes of a line in a log file to what it says: one parser for each format of log-writer.md §3.
import type { LogFormat } from "../../protocol/log-sources.js";
import { logStamp } from "../render/time.js";

/** A line that a service wrote. */
export interface LogRecord {
  /** Seconds since the epoch; that of the line before where somebody else wrote into the file; absent before the first. */
  readonly time?: number;
  /** The date and time as people read it; empty where the line has none. */
  readonly stamp: string;
  readonly text: string;
  /** Whose it is, where the file says so. */
  readonly service?: string;
  /** Whether it is a further piece of a line that was too long. */
  readonly continued: boolean;
}

/** Reads the lines of one log in their order; undefined for one that is not of the service. */
export type RecordParser = (line: Buffer) => LogRecord | undefined;

const SPACE = 0x20;
/** `YYYY-MM-DD HH:MM:SS` */
const stampLength = 19;
const stampPattern = /^(\d{4})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)$/;
const recentPattern = /^(\d{1,12})\.(\d{9}) /;
const pieceMark = "... ";
/** A line is split at this length, or up to three bytes before, at the boundary of a character. */
const splitLength = 65_536 - 3;

/** @param service in a file of everybody's lines: whose are wanted, `root` for the daemon's; absent: everybody's */
export function recordParser(format: LogFormat, service?: string): RecordParser {
  switch (format) {
    case "stamped":
      return textParser(stampReader());
    case "recent":
      return textParser(readRecentStamp);
    case "json":
      return jsonParser(service);
  }
}

interface Stamp {
  readonly time: number;
  readonly stamp: string;
  /** Where the text begins. */
  readonly length: number;
}

type StampReader = (line: Buffer, previous: number | undefined) => Stamp | undefined;

function textParser(readStamp: StampReader): RecordParser {
  let time: number | undefined;
  let mayContinue = false;
  return (line) => {
    const found = readStamp(line, time);
    if (found !== undefined) time = found.time;
    const from = found?.length ?? 0;
    const text = line.toString("utf8", from);
    const continued = mayContinue && text.startsWith(pieceMark);
    mayContinue = line.length - from - (continued ? pieceMark.length : 0) >= splitLength;
    return {
      ...(time === undefined ? {} : { time }),
      stamp: found?.stamp ?? "",
      text: continued ? text.slice(pieceMark.length) : text,
      continued,
    };
  };
}

function stampReader(): StampReader {
  // Most lines have the stamp of the one before.
  let last: Stamp | undefined;
  return (line, previous) => {
    if (line.length < stampLength || (line.length > stampLength && line[stampLength] !== SPACE))
      return undefined;
    const stamp = line.toString("latin1", 0, stampLength);
    if (last?.stamp === stamp) return last;
    const parts = stampPattern.exec(stamp);
    if (parts === null) return undefined;
    last = { stamp, time: instantOf(parts, previous), length: stampLength + 1 };
    return last;
  };
}

/** When the clocks are set back an hour comes twice: after a line of the first, an earlier stamp is of the second. */
function instantOf(parts: RegExpExecArray, previous: number | undefined): number {
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, seconds = 0] = parts.slice(1).map(Number);
  const first = new Date(year, month - 1, day, hour, minute, seconds);
  const time = first.getTime() / 1000;
  if (previous === undefined || time >= previous) return time;
  const later = new Date(first.getTime() + 3 * 3_600_000);
  const setBack = later.getTimezoneOffset() - first.getTimezoneOffset();
  const again = new Date(first.getTime() + setBack * 60_000);
  const isRepeated = again.getHours() === hour && again.getMinutes() === minute;
  return isRepeated && again.getTime() / 1000 >= previous ? again.getTime() / 1000 : time;
}

function readRecentStamp(line: Buffer): Stamp | undefined {
  const match = recentPattern.exec(line.toString("latin1", 0, 24));
  if (match === null) return undefined;
  const time = Number(match[1]) + Number(match[2]) / 1e9;
  return { time, stamp: logStamp(time), length: match[0].length };
}

function jsonParser(service: string | undefined): RecordParser {
  return (line) => {
    const record = parseObject(line.toString());
    if (record === undefined) return undefined;
    const owner = typeof record.service === "string" ? record.service : "root";
    if (service !== undefined && owner !== service) return undefined;
    const time = typeof record.time === "number" ? record.time / 1000 : undefined;
    return {
      ...(time === undefined ? {} : { time }),
      service: owner,
      stamp: time === undefined ? "" : logStamp(time),
      text: typeof record.msg === "string" ? record.msg : "",
      continued: record.continued === true,
    };
  };
}

function parseObject(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" && value !== null && "msg" in value ? { ...value } : undefined;
  } catch {
    return undefined;
  }
}
