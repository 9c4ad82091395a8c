// The control socket's directory and address: who may reach us is decided by the directory alone (mode 0700).

import { lstat, mkdir } from "node:fs/promises";
import { constants } from "node:os";
import { dirname } from "node:path";
import { launcherSuffix } from "../../protocol/launcher.js";
import { describeErrno } from "../keeper/errno.js";
import type { Inventory } from "../keeper/types.js";
import type { Outbox } from "../outbox.js";

/** The keeper's names of the sockets, and the slots that they are bound to. */
const control = { name: "control", slot: 0 } as const;
const launchers = { name: "launchers", slot: 1 } as const;
/** What a Unix socket's address has room for, in bytes, without the final NUL. */
const pathLimit = 107;

/** Why the control socket cannot be; the message is complete. */
export class ControlSocketError extends Error {
  override readonly name = "ControlSocketError";
}

/**
 * Makes sure that only we reach the socket's directory, which is made (0700) where `mayCreate`. Throws
 * ControlSocketError.
 */
export async function checkSocketDirectory(path: string, mayCreate: boolean): Promise<void> {
  const directory = dirname(path);
  try {
    if (mayCreate) {
      await mkdir(dirname(directory), { recursive: true });
      // `recursive` would say of a read-only file system that there is no such directory.
      await mkdir(directory, { mode: 0o700 }).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      });
    }
    const stat = await lstat(directory);
    if (stat.isDirectory() && stat.uid === process.getuid?.() && (stat.mode & 0o777) === 0o700) return;
  } catch (error) {
    throw new ControlSocketError(
      `cannot access directory of socket '${path}': ${reasonOf(error)}${mayCreate ? remedy : ""}`,
    );
  }
  throw new ControlSocketError(`${directory}: socket directory has insecure permissions`);
}

const remedy = "; set XDG_RUNTIME_DIR to a directory of your own, or name another socket with --socket";

function reasonOf(error: unknown): string {
  const errno = error instanceof Error && "errno" in error ? Number(error.errno) : Number.NaN;
  return Number.isNaN(errno) ? String(error) : describeErrno(Math.abs(errno));
}

/**
 * The descriptor on which this daemon accepts clients: the keeper binds the slot that we inherited, or had bound
 * it for an earlier daemon already. Throws ControlSocketError.
 */
export function controlDescriptor(path: string, inventory: Inventory, outbox: Outbox): Promise<number> {
  return boundSlot(control, path, inventory, outbox);
}

/**
 * As `controlDescriptor`, for the socket beside that at `path`, at which herd's launcher knocks; undefined where its name has
 * no room in an address. Throws ControlSocketError.
 */
export async function launcherDescriptor(
  path: string,
  inventory: Inventory,
  outbox: Outbox,
): Promise<number | undefined> {
  const beside = path + launcherSuffix;
  if (Buffer.byteLength(beside) > pathLimit) return undefined;
  return await boundSlot(launchers, beside, inventory, outbox);
}

async function boundSlot(
  { name, slot }: typeof control | typeof launchers,
  path: string,
  inventory: Inventory,
  outbox: Outbox,
): Promise<number> {
  const held = inventory.descriptors.find((descriptor) => descriptor.name === name);
  if (held?.daemonDescriptor !== undefined) return held.daemonDescriptor;
  const own = inventory.keeper.slots.find(({ number }) => number === slot);
  if (own === undefined) throw new ControlSocketError("the keeper has no slot for the control socket");
  const [result] = await outbox.post({
    op: "listen",
    name,
    family: "unix",
    address: path,
    type: "stream",
    backlog: 128,
    slot,
  });
  if (result === undefined || result.errno !== 0) {
    const { errno = 0, text = "no answer from the keeper" } = result ?? {};
    throw new ControlSocketError(
      errno === constants.errno.EADDRINUSE
        ? `shepherd instance already listening on '${path}'`
        : `${text}: ${describeErrno(errno)}`,
    );
  }
  return own.descriptor;
}
