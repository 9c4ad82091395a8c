// `herd log SERVICE…`: asks the daemon where the lines are, and reads them itself. So it goes on while the daemon is dead,
// shows what was rotated and compressed, and costs the daemon nothing.

import { decodeLogSources, type LogSources } from "../../protocol/log-sources.js";
import type { CommandError, Reply } from "../../protocol/messages.js";
import { decodeRecentMessage } from "../../protocol/service-status.js";
import { isList, mapList } from "../../protocol/sexp.js";
import type { Invocation } from "../arguments.js";
import type { Output } from "../output.js";
import { logStamp } from "../render/time.js";
import type { Reporter } from "../report.js";
import { reasonOf } from "../system-error.js";
import { follow } from "./follow.js";
import { History, passes, type Track } from "./history.js";
import { inHand, mergeByTime, type Stream } from "./merge.js";
import { Printer } from "./printer.js";
import { isAboutLines, type LogQuery, parseQuery } from "./query.js";
import type { LogRecord } from "./records.js";
import { type Tracks, tracksOf, type Unreadable } from "./tracks.js";

export interface LogSurroundings {
  readonly output: Output;
  readonly isTerminal: boolean;
  readonly report: Reporter;
  /** Seconds since the epoch. */
  readonly now: number;
  /** Asks the daemon for something that changes nothing, of root unless a service is named. */
  readonly ask: (action: string, args: readonly string[], service?: string) => Promise<Reply | undefined>;
  /** As `ask`, without patience and without a word: undefined where there is no answer now. */
  readonly askQuietly: (action: string, args: readonly string[]) => Promise<Reply | undefined>;
  /** Tells of an error that the daemon answered; the exit status. */
  readonly fail: (error: CommandError) => 1;
}

/** What our daemon gives at most, when it reads the files. */
const mostOfDaemon = 10_000;
const ACTION = "log-sources";

/** Whether a command may be about the lines in log files. `herd log` alone shows what happened, as GNU herd does. */
export function mayReadLogs({ action, service, options }: Invocation): boolean {
  return action === "log" && (service !== undefined || isAboutLines(options));
}

/** The exit status; undefined where the command is to be carried out as any other, by a daemon that reads the files. */
export async function readLogs(invocation: Invocation, around: LogSurroundings): Promise<0 | 1 | undefined> {
  const { service, words, options } = invocation;
  const { report } = around;
  const query = parseQuery(options, around.now);
  const names = service === undefined ? [] : [service, ...words];
  const reply = await around.ask(ACTION, names);
  if (reply?.error?.kind === "service-not-found") return around.fail(reply.error);
  const answer =
    reply === undefined || reply.error !== undefined ? undefined : decodeLogSources(reply.result);
  const own = answer?.services[0]?.ownAction === true && service !== undefined;
  if ((answer === undefined || own) && !isAboutLines(options)) return undefined;
  if (answer === undefined) {
    report.error(
      "this shepherd does not tell where its logs are: --follow, --since, --until and --grep need that",
    );
    return 1;
  }
  return await new LogReading(query, names, around).run(answer);
}

class LogReading {
  readonly #query: LogQuery;
  readonly #names: readonly string[];
  readonly #around: LogSurroundings;
  #status: 0 | 1 = 0;

  constructor(query: LogQuery, names: readonly string[], around: LogSurroundings) {
    this.#query = query;
    this.#names = names;
    this.#around = around;
  }

  async run(answer: LogSources): Promise<0 | 1> {
    useZone(answer.zone);
    const found = tracksOf(answer.services, this.#names.length === 0);
    const printer = this.#printer(answer);
    // From here on SIGINT is the way to end it, and no failure.
    const interrupted = this.#query.follow ? onInterrupt() : undefined;
    const histories = await this.#print(printer, found, interrupted);
    if (this.#query.follow && found.tracks.length === 0) {
      this.#problem("cannot follow: there is no log file that can be read");
      return 1;
    }
    if (interrupted !== undefined)
      await follow({
        histories,
        filter: this.#query,
        interrupted,
        printer,
        onProblem: (text) => this.#problem(text),
        onNotice: (text) => this.#around.report.notice(text),
        names: this.#names,
        askSources: (names) => this.#around.askQuietly(ACTION, names),
      });
    return this.#status;
  }

  #printer({ services }: LogSources): Printer {
    return new Printer({
      output: this.#around.output,
      json: this.#query.json,
      labels: this.#names.length === 0 || services.length > 1,
      isTerminal: this.#around.isTerminal,
    });
  }

  /** What there is by now; the logs that were read, to go on with. */
  async #print(
    printer: Printer,
    { tracks, unreadable }: Tracks,
    interrupted: AbortSignal | undefined,
  ): Promise<readonly (readonly [Track, History])[]> {
    const { lines, follow: goesOn } = this.#query;
    const histories: (readonly [Track, History])[] = [];
    for (const track of tracks) {
      const opening = History.open(track, {
        filter: this.#query,
        follow: goesOn,
        onProblem: (text) => this.#problem(text),
        ...(lines === undefined ? {} : { lines }),
      });
      const history = await opening.catch((error: unknown) => {
        this.#problem(`cannot read ${track.path}: ${reasonOf(error)}`);
      });
      if (history === undefined) continue;
      histories.push([track, history]);
      if (history.isCut)
        this.#around.report.notice(`of ${track.label} only the last lines are kept: it has no log file`);
    }
    const answers: (readonly [string, readonly LogRecord[]])[] = [];
    for (const one of unreadable) answers.push([one.service, await this.#askDaemon(one)]);
    const streams: Stream[] = [
      ...histories.map(([{ label }, history]) => ({ label, records: history.records() })),
      ...answers.map(([label, records]) => ({ label, records: inHand(records) })),
    ];
    const count = [
      ...histories.map(([, history]) => history.count),
      ...answers.map(([, records]) => records.length),
    ];
    let skip = lines === undefined ? 0 : Math.max(0, count.reduce((sum, one) => sum + one, 0) - lines);
    for await (const batch of mergeByTime(streams)) {
      printer.print(skip === 0 ? batch : batch.slice(skip));
      skip = Math.max(0, skip - batch.length);
      if (!printer.isWanted || interrupted?.aborted === true) break;
    }
    return histories;
  }

  /** The lines that the daemon reads for us. */
  async #askDaemon({ service, reason }: Unreadable): Promise<readonly LogRecord[]> {
    const { lines = mostOfDaemon } = this.#query;
    this.#around.report.notice(`${reason}; shown is what shepherd tells`);
    const reply = await this.#around.ask("log", [String(Math.min(lines, mostOfDaemon))], service);
    const [list] = reply !== undefined && isList(reply.result) ? reply.result : [];
    const timed = mapList(list, decodeRecentMessage);
    if (timed === undefined) {
      this.#problem(`cannot show the log of ${service}: shepherd does not tell it`);
      return [];
    }
    const records = timed.map(({ time, line }) => ({
      time,
      stamp: logStamp(time),
      text: line,
      continued: false,
    }));
    return records.filter((record) => passes(record, this.#query));
  }

  #problem(text: string): void {
    this.#around.report.error(text);
    this.#status = 1;
  }
}

/** The stamps are in the log writer's zone. What the user wrote was read in the user's before. */
function useZone(zone: string | undefined): void {
  if (zone === process.env.TZ) return;
  if (zone === undefined) delete process.env.TZ;
  else process.env.TZ = zone;
}

function onInterrupt(): AbortSignal {
  const controller = new AbortController();
  process.once("SIGINT", () => controller.abort());
  return controller.signal;
}
