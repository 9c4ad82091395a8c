// A command that the launcher has sent, carried out in the daemon: the client's code, with the launcher's surroundings.
import { setImmediate as turn } from "node:timers/promises";
import type { LauncherRequest } from "../protocol/launcher.js";
import { type Command, encodeMessage, type Reply } from "../protocol/messages.js";
import { parseInvocation } from "./arguments.js";
import {
  asItIs,
  type ConversationOptions,
  carryOut,
  commandOf,
  type ExitStatus,
  reporting,
} from "./command.js";
import type { Output } from "./output.js";
import { ReplyReader } from "./reply-reader.js";

/** As many bytes of a reply are read in one turn of the event loop. */
const CHUNK = 64 * 1024;

/** Where the outcome goes. */
export interface LauncherChannel {
  readonly output: Output;
  readonly errors: Output;
  /** Takes a streamed line that is about to be shown. */
  readonly shown: (line: string) => void;
  /** What was written since the last time is to be seen now. */
  readonly flush: () => void;
}

/** As the control socket's handler: the encoded reply; `tell` gets each line at once. */
export type Serve = (command: Command, tell: (line: string) => void) => Promise<string>;

export async function runInDaemon(
  { id, operands, json, logHistory, directory, environment, isTerminal }: LauncherRequest,
  { output, errors, shown, flush }: LauncherChannel,
  serve: Serve,
): Promise<ExitStatus> {
  const now = (): number => Math.floor(Date.now() / 1000);
  const surroundings = { environment, directory, output, errors, isTerminal, now };
  const options = { ...(json ? { json } : {}), ...(logHistory === undefined ? {} : { logHistory }) };
  return await reporting(surroundings, (report) =>
    carryOut(parseInvocation(operands, options), surroundings, report, {
      id: () => id,
      progress: {
        // Who has gone sees nothing of it.
        ask: async () =>
          errors.isOpen
            ? await ask(commandOf("status", "root", [], directory), serve, {
                cleanse: asItIs,
                message: () => undefined,
              })
            : undefined,
        draw: (text) => {
          errors.write(text);
          flush();
        },
      },
      converse: (command, { cleanse, message }) =>
        ask(command, serve, {
          cleanse,
          message: (line) => {
            shown(line);
            message(line);
            flush();
          },
        }),
    }),
  );
}

/** What is asked and answered takes the form that it has on the control socket, so that nothing differs from there. */
async function ask(
  command: Command,
  serve: Serve,
  { cleanse, message }: Pick<ConversationOptions, "cleanse" | "message">,
): Promise<Reply | undefined> {
  const reader = new ReplyReader({ cleanse, onMessage: message });
  let failure: { readonly reason: unknown } | undefined;
  const tell = (line: string): void => {
    try {
      reader.feed(Buffer.from(encodeMessage(line)));
    } catch (error) {
      failure ??= { reason: error };
    }
  };
  const text = Buffer.from(await serve(command, tell));
  for (let at = 0; failure === undefined; at += CHUNK) {
    const reply = reader.feed(text.subarray(at, at + CHUNK));
    if (reply !== undefined || at >= text.length) return reply;
    await turn();
  }
  throw failure.reason;
}
