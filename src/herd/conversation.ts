// A request and its reply, through however many daemons it takes.

import { type Command, encodeCommand, type Reply } from "../protocol/messages.js";
import type { Sexp } from "../protocol/sexp.js";
import { exchange } from "./connection.js";

/** Lines that are not shown again, should the request have to be sent again. */
const MOST_REMEMBERED = 10_000;

export interface Conversation {
  /** The control socket. */
  readonly path: string;
  /** Whether the daemon may end before it answers. */
  readonly ending: boolean;
  /** Applied to each expression that comes in. */
  readonly cleanse: (expression: Sexp) => Sexp;
  /** Called with each line that is streamed before the reply. */
  readonly message: (line: string) => void;
  /** Called with what is done on the user's behalf, such as sending the request again. */
  readonly tell: (text: string) => void;
}

/** The reply; undefined where the daemon ended instead, as it was told. Throws a ConnectionError. */
export async function converse(
  command: Command,
  { path, ending, cleanse, message, tell }: Conversation,
): Promise<Reply | undefined> {
  const shown: string[] = [];
  const show = (line: string): void => {
    if (shown.length < MOST_REMEMBERED) shown.push(line);
    message(line);
  };
  const reply = await exchange(path, encodeCommand(command), { cleanse, onMessage: show });
  if (reply !== undefined) return reply;
  const { recover } = await import("./recovery.js");
  return await recover({ path, command, ending, cleanse, shown, show, tell });
}

/** A name that no other request has: about 100 random bits. The module that makes better ones costs start-up time. */
export function requestId(): string {
  const random = () => Math.random().toString(36).slice(2);
  return `${random()}${random()}`;
}
