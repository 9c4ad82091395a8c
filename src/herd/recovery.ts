// What to do when the connection ends before the reply: ask the next daemon what became of the request, and send it
// again where that does no harm. Loaded only then.
import { setTimeout as delay } from "node:timers/promises";
import {
  type Command,
  decodeOutcome,
  encodeCommand,
  type Reply,
  type RequestOutcome,
} from "../protocol/messages.js";
import { type Sexp, sym } from "../protocol/sexp.js";
import { ConnectionError, exchange } from "./connection.js";

export interface Lost {
  readonly path: string;
  readonly command: Command;
  /** Whether the request is the end of the daemon: then its end is success. */
  readonly ending: boolean;
  readonly cleanse: (expression: Sexp) => Sexp;
  /** The lines that the user has seen. */
  readonly shown: readonly string[];
  readonly show: (line: string) => void;
  /** Tells the user what was done on his behalf. */
  readonly tell: (text: string) => void;
}

/** How long the next daemon may take until it answers. */
const RESTARTED_WITHIN_MS = 30_000;
/** Connections that end unanswered, one after the other: this is no daemon that is being started. */
const MOST_FRUITLESS = 8;
const LONGEST_PAUSE_MS = 200;
/** Each daemon may have died of the request. One fewer than what sends the keeper into rescue mode, with the first. */
const MOST_RESUMED = 3;
const MOST_SENT = 8;

const PREMATURE = "premature end-of-file while talking to shepherd";
const RESTARTED = "the supervisor was restarted while it carried out the request";

/** The reply; undefined where the daemon ended, as it was told. Throws a ConnectionError. */
export async function recover(lost: Lost): Promise<Reply | undefined> {
  let resumed = 0;
  for (let sent = 0; sent < MOST_SENT; sent += 1) {
    const outcome = await askOutcome(lost);
    if (outcome === "gone") return undefined;
    if (outcome === "begun")
      throw new ConnectionError(
        `${RESTARTED}: it was begun, may have been carried out in part, and is not repeated`,
        "interrupted",
      );
    if (outcome === "resumable") {
      resumed += 1;
      if (resumed > MOST_RESUMED) break;
      lost.tell("the supervisor was restarted; it goes on with the request");
    }
    const reply = await sendAgain(lost);
    if (reply === "gone") return undefined;
    if (reply !== undefined) return reply;
  }
  // One that is never begun is not understood: it is too long, for example.
  if (resumed === 0) throw new ConnectionError(PREMATURE);
  throw new ConnectionError(`${RESTARTED}, again and again; it is not sent once more`, "interrupted");
}

async function askOutcome(lost: Lost): Promise<RequestOutcome | "gone"> {
  const { command, ending } = lost;
  const question = encodeCommand({
    action: sym("request-outcome"),
    service: sym("root"),
    arguments: [command.id ?? ""],
    directory: command.directory,
    stream: false,
  });
  for (let attempt = 0; attempt < MOST_FRUITLESS; attempt += 1) {
    if (attempt > 0) await delay(Math.min(LONGEST_PAUSE_MS, 5 * 2 ** attempt));
    const reply = await exchangeAgain(lost, question, () => undefined, RESTARTED_WITHIN_MS);
    if (reply === "gone") return "gone";
    if (reply === undefined) continue;
    const outcome = reply.error === undefined ? decodeOutcome(reply.result) : undefined;
    if (outcome !== undefined) return outcome;
    // A shepherd that does not remember requests, such as GNU's.
    break;
  }
  if (ending) return "gone";
  throw new ConnectionError(PREMATURE);
}

/** Only what was not shown before is shown. */
async function sendAgain(lost: Lost): Promise<Reply | "gone" | undefined> {
  const { command, shown, show } = lost;
  const seen = new Map<string, number>();
  for (const line of shown) seen.set(line, (seen.get(line) ?? 0) + 1);
  const isNew = (line: string): boolean => {
    const times = seen.get(line) ?? 0;
    if (times > 0) seen.set(line, times - 1);
    return times === 0;
  };
  const showNew = (line: string): void => {
    if (isNew(line)) show(line);
  };
  const reply = await exchangeAgain(lost, encodeCommand(command), showNew);
  if (reply === undefined || reply === "gone") return reply;
  return { ...reply, messages: reply.messages.filter(isNew) };
}

/** "gone" where nobody listens any more, and that is what was asked for. */
async function exchangeAgain(
  { path, ending, cleanse }: Lost,
  text: string,
  onMessage: (line: string) => void,
  silentFor?: number,
): Promise<Reply | "gone" | undefined> {
  try {
    return await exchange(path, text, {
      cleanse,
      onMessage,
      ...(silentFor === undefined ? {} : { silentFor }),
      // The keeper holds the socket as long as it lives: who is refused has nothing to wait for.
      ...(ending ? { refusedFor: 0 } : {}),
    });
  } catch (error) {
    if (!(error instanceof ConnectionError)) throw error;
    if (ending) return "gone";
    throw new ConnectionError(`${PREMATURE}; now: ${error.message}`);
  }
}
