// Who may speak for a service on its notify socket. The socket has an abstract name, which everybody can reach: what the
// kernel tells of the sender decides.

import type { KeeperEvent } from "../keeper/types.js";
import { isKin, type Kin, processStat } from "../survivors.js";
import type { NotifyAccess } from "./options.js";

export type Datagram = Extract<KeeperEvent, { readonly type: "datagram" }>;

/** The main process of a service's run, which may be over. */
export interface Main {
  /** Its name in the keeper. */
  readonly id: string;
  readonly pid: number;
  /** Clock ticks since boot at its start. */
  readonly start: number;
}

export interface Speakers {
  /** The main process, and the one that has named it. */
  readonly mains: readonly Main[];
  readonly kin: Kin;
  readonly access: NotifyAccess;
  /** The service's own user, and ours. */
  users(): Promise<readonly number[]>;
}

/**
 * @returns why the sender may not speak for the service, undefined where it may. A sender that is gone already cannot be
 * looked up any more: with `"all"` its user decides, since whoever has that user can do anything to the service; with
 * `"main"` it is refused, since the main process is not gone.
 */
export async function refusal(sender: Datagram, speakers: Speakers): Promise<string | undefined> {
  const { pid, start, uid } = sender;
  const { mains, kin, access } = speakers;
  if (mains.some((main) => pid === main.pid && (start === 0 || start === main.start))) return undefined;
  if (access === "main")
    return `process ${pid} is not its main process, which alone may (notifyAccess: "main")`;
  if (await isThere(sender)) {
    if (await isKin(pid, kin)) return undefined;
    // One that ends while it is looked at is not found to be kin.
    if (await isThere(sender)) return `process ${pid} is none of its processes`;
  }
  const users = await speakers.users();
  return users.includes(uid)
    ? undefined
    : `process ${pid} is gone, and was of user ${uid}, not the service's`;
}

async function isThere({ pid, start }: Datagram): Promise<boolean> {
  return pid > 1 && start !== 0 && (await processStat(pid))?.start === start;
}
