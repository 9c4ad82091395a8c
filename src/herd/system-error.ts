// The C library's words for errors of the system, which Node has only as codes before version 22.

const texts: ReadonlyMap<string, string> = new Map([
  ["EACCES", "Permission denied"],
  ["EAGAIN", "Resource temporarily unavailable"],
  ["EBADF", "Bad file descriptor"],
  ["EDQUOT", "Disk quota exceeded"],
  ["ECONNREFUSED", "Connection refused"],
  ["EFBIG", "File too large"],
  ["EIO", "Input/output error"],
  ["ELOOP", "Too many levels of symbolic links"],
  ["EMFILE", "Too many open files"],
  ["ENAMETOOLONG", "File name too long"],
  ["ENOENT", "No such file or directory"],
  ["ENOSPC", "No space left on device"],
  ["ENOTDIR", "Not a directory"],
  ["EPERM", "Operation not permitted"],
  ["EPROTOTYPE", "Protocol wrong type for socket"],
]);

export function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error ? String(error.code) : String(error);
}

export function systemErrorText(code: string): string {
  return texts.get(code) ?? code;
}

/** What went wrong: an error of ours says so itself, one of the system by its code. */
export function reasonOf(error: unknown): string {
  return error instanceof Error && !("code" in error) ? error.message : systemErrorText(errorCode(error));
}
