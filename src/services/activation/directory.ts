// Directories that are held open, and what is done inside them. A name inside a directory that is open cannot be made to
// lead elsewhere: whoever replaces a directory above it, or puts a link in its place, changes nothing of what we do. Node has
// no openat(2); `/proc/self/fd/N/NAME` is the same place, since the kernel does not follow names to get to N.

import { type BigIntStats, constants } from "node:fs";
import {
  type FileHandle,
  lchown,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  readlink,
  rename,
  rmdir,
  symlink,
  unlink,
} from "node:fs/promises";
import { describeErrno } from "../../daemon/keeper/errno.js";

/** What could not be done, to what, and why. */
export class PlaceError extends Error {
  override readonly name = "PlaceError";
  readonly code: string | undefined;
  constructor(path: string, reason: string, code?: string, cause?: unknown) {
    super(`${path}: ${reason}`, { cause });
    this.code = code;
  }
}

/** What an operation gives, or a PlaceError that names `path` and not the descriptor it was reached by. */
export async function explained<T>(path: string, operation: Promise<T>): Promise<T> {
  try {
    return await operation;
  } catch (error) {
    throw placeError(path, error);
  }
}

export function placeError(path: string, error: unknown): PlaceError {
  if (error instanceof PlaceError) return error;
  const { errno, code, message } = error as NodeJS.ErrnoException;
  // Node's own mistakes, such as a name with a NUL in it, have a code and no number.
  return new PlaceError(path, errno === undefined ? message : describeErrno(-errno), code, error);
}

/** Gives a directory to `use`, and closes it afterwards. */
export async function within<T>(
  opening: Promise<Directory>,
  use: (directory: Directory) => Promise<T>,
): Promise<T> {
  const directory = await opening;
  try {
    return await use(directory);
  } finally {
    await directory.close();
  }
}

const openDirectory = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;

/** The name of something in a directory. Names are bytes to the kernel, and only mostly text. */
export type Name = string | Buffer;

/** A directory that is open. Whoever gets one closes it. */
export class Directory {
  /** Its name, for messages. */
  readonly path: string;
  readonly handle: FileHandle;

  private constructor(path: string, handle: FileHandle) {
    this.path = path;
    this.handle = handle;
  }

  /** Opens a directory that nobody but us and root can replace, such as the root of the file system. */
  static async open(path: string): Promise<Directory> {
    return new Directory(
      path === "/" ? "" : path,
      await explained(path, open(path, openDirectory & ~constants.O_NOFOLLOW)),
    );
  }

  async close(): Promise<void> {
    await this.handle.close();
  }

  /** The name of something in it, for messages. */
  pathOf(name: Name): string {
    return `${this.path}/${name.toString()}`;
  }

  /** Where something in it is, for system calls. */
  at(name: Name): Name {
    const start = `/proc/self/fd/${this.handle.fd}/`;
    return typeof name === "string" ? `${start}${name}` : Buffer.concat([Buffer.from(start), name]);
  }

  async #do<T>(name: Name, operation: Promise<T>): Promise<T> {
    return await explained(this.pathOf(name), operation);
  }

  /** A directory in it. Links are not followed. */
  async enter(name: Name): Promise<Directory> {
    return new Directory(this.pathOf(name), await this.#do(name, open(this.at(name), openDirectory)));
  }

  /** Undefined where nothing is. */
  async status(name: Name): Promise<BigIntStats | undefined> {
    try {
      return await lstat(this.at(name), { bigint: true });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      throw placeError(this.pathOf(name), error);
    }
  }

  async names(): Promise<readonly string[]> {
    return (await explained(this.path, readdir(this.at(".")))).sort();
  }

  /** Also those that are no text. */
  async rawNames(): Promise<readonly Buffer[]> {
    return await explained(this.path, readdir(this.at("."), { encoding: "buffer" }));
  }

  async target(name: Name): Promise<string> {
    return await this.#do(name, readlink(this.at(name)));
  }

  /** Makes a directory with exactly these permissions. */
  async make(name: Name, mode: number): Promise<Directory> {
    // It is nobody else's before it has its permissions.
    await this.#do(name, mkdir(this.at(name), { mode: 0o700 }));
    const made = await this.enter(name);
    try {
      await this.#do(name, made.handle.chmod(mode));
      return made;
    } catch (error) {
      await made.handle.close();
      throw error;
    }
  }

  async link(name: Name, target: string): Promise<void> {
    await this.#do(name, symlink(target, this.at(name)));
  }

  /** Another name for a file in it; false where the name is taken. */
  async linkFile(name: Name, other: Name): Promise<boolean> {
    try {
      await link(this.at(name), this.at(other));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
      throw placeError(this.pathOf(other), error);
    }
  }

  /** Gives a link itself another owner. */
  async chownLink(name: Name, uid: number, gid: number): Promise<void> {
    await this.#do(name, lchown(this.at(name), uid, gid));
  }

  /** A regular file to read; undefined where there is none by that name, or something else is. */
  async openFile(name: Name): Promise<FileHandle | undefined> {
    const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    let handle: FileHandle;
    try {
      handle = await open(this.at(name), O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    } catch (error) {
      // ELOOP: a link; ENXIO: a socket.
      if (["ENOENT", "ELOOP", "ENXIO"].includes((error as NodeJS.ErrnoException).code ?? ""))
        return undefined;
      throw placeError(this.pathOf(name), error);
    }
    if ((await this.#do(name, handle.stat())).isFile()) return handle;
    await handle.close();
    return undefined;
  }

  /** A new regular file, which only its owner can read so far; fails where something is. */
  async createFile(name: Name): Promise<FileHandle> {
    const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;
    return await this.#do(name, open(this.at(name), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600));
  }

  /** An existing regular file, for its contents to be replaced. */
  async overwriteFile(name: Name): Promise<FileHandle> {
    const { O_WRONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
    return await this.#do(name, open(this.at(name), O_WRONLY | O_NOFOLLOW | O_NONBLOCK));
  }

  async rename(from: Name, to: Name): Promise<void> {
    await this.#do(to, rename(this.at(from), this.at(to)));
  }

  /** Gives something in it another place in another directory. */
  async moveTo(name: Name, other: Directory, to: Name): Promise<void> {
    await this.#do(name, rename(this.at(name), other.at(to)));
  }

  async unlink(name: Name): Promise<void> {
    await this.#do(name, unlink(this.at(name)));
  }

  async removeDirectory(name: Name): Promise<void> {
    await this.#do(name, rmdir(this.at(name)));
  }

  /** What was made, renamed or removed in it is so after a power failure too. */
  async sync(): Promise<void> {
    await explained(this.path, this.handle.sync());
  }

  /** The number of the mount that it is on. */
  async mount(): Promise<string> {
    const text = await explained(this.path, readFile(`/proc/self/fdinfo/${this.handle.fd}`, "utf8"));
    return /^mnt_id:\s*(\d+)$/m.exec(text)?.[1] ?? "";
  }
}
