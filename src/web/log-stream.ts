// The lines of one service, live: read from the log files as `herd log --follow` does, through rotation and the daemon's death.

import { follow } from "../herd/log/follow.js";
import { History, type Track } from "../herd/log/history.js";
import { mergeByTime } from "../herd/log/merge.js";
import { Printer } from "../herd/log/printer.js";
import { tracksOf } from "../herd/log/tracks.js";
import type { Output } from "../herd/output.js";
import { reasonOf } from "../herd/system-error.js";
import { decodeLogSources } from "../protocol/log-sources.js";
import type { EventStream } from "./event-stream.js";
import type { Supervisor } from "./supervisor.js";
import type { LogLine, LogLines } from "./views.js";

/** Lines that a page gets first. */
const lastLines = 500;
/** Of a line that is shown, in characters. */
const longestLine = 4096;

/** Sends what there is, then what comes, until `closed`; what is in its way is told as a notice. */
export async function streamLog(
  name: string,
  supervisor: Supervisor,
  stream: EventStream,
  closed: AbortSignal,
): Promise<void> {
  const notice = (text: string): void => send(stream, { notice: text });
  const reply = await supervisor.logSources([name]);
  const answer = reply.error === undefined ? decodeLogSources(reply.result) : undefined;
  if (answer === undefined) {
    notice("The supervisor does not tell where its lines are.");
    return;
  }
  const { tracks, unreadable } = tracksOf(answer.services, false);
  for (const { reason } of unreadable) notice(`${reason}.`);
  const filter = {};
  const histories: (readonly [Track, History])[] = [];
  for (const track of tracks) {
    const opening = History.open(track, { filter, lines: lastLines, follow: true, onProblem: notice });
    const history = await opening.catch((error: unknown) =>
      notice(`Cannot read ${track.path}: ${reasonOf(error)}.`),
    );
    if (history !== undefined) histories.push([track, history]);
  }
  const printer = new Printer({ output: outputOf(stream), json: true, labels: false, isTerminal: false });
  for await (const batch of mergeByTime(
    histories.map(([{ label }, history]) => ({ label, records: history.records() })),
  ))
    printer.print(batch);
  await follow({
    histories,
    filter,
    interrupted: closed,
    printer,
    onProblem: notice,
    onNotice: notice,
    names: [name],
    askSources: (names) => supervisor.logSources(names).catch(() => undefined),
  });
}

function send(stream: EventStream, lines: LogLines): void {
  stream.send(lines);
}

/** Takes the lines of `herd log --json`. */
function outputOf(stream: EventStream): Output {
  return {
    failure: undefined,
    get isOpen() {
      return stream.isOpen;
    },
    write: (text) => {
      const lines = text.split("\n").flatMap((line) => (line === "" ? [] : [lineOf(line)]));
      if (lines.length > 0) send(stream, { lines });
    },
  };
}

function lineOf(json: string): LogLine {
  const { time, line } = JSON.parse(json) as { readonly time: string | null; readonly line: string };
  const text = line.length > longestLine ? `${line.slice(0, longestLine)}…` : line;
  return { time: time === null ? null : Date.parse(time), text };
}
