// A request and its reply, through however many daemons it takes.

import type { LostRequest } from "../protocol/launcher.js";
import { type Command, encodeCommand, type Reply } from "../protocol/messages.js";
import type { ConversationOptions } from "./command.js";
import { exchange } from "./connection.js";

/** Lines that are not shown again, should the request have to be sent again. */
const MOST_REMEMBERED = 10_000;

/**
 * The reply; undefined where the daemon ended instead, as it was told. Throws a ConnectionError.
 *
 * @param path the control socket
 * @param lost the command's request, where it was sent already
 */
export async function converse(
  command: Command,
  { ending, cleanse, message, tell }: ConversationOptions,
  path: string,
  lost?: LostRequest,
): Promise<Reply | undefined> {
  const shown: string[] = [...(lost?.shown ?? [])];
  const show = (line: string): void => {
    if (shown.length < MOST_REMEMBERED) shown.push(line);
    message(line);
  };
  if (lost === undefined) {
    const reply = await exchange(path, encodeCommand(command), { cleanse, onMessage: show });
    if (reply !== undefined) return reply;
  }
  const { recover } = await import("./recovery.js");
  return await recover({ path, command, ending, cleanse, shown, show, tell });
}

/** A name that no other request has: about 100 random bits. The module that makes better ones costs start-up time. */
export function requestId(): string {
  const random = () => Math.random().toString(36).slice(2);
  return `${random()}${random()}`;
}
