// Names of files as text: absolute, simplified, normalized. Nothing here looks at a file system.

/** Bytes of a name that the kernel takes, and of one of its parts. */
const longest = { path: 4095, part: 255 } as const;

export function isAbsolute(path: string): boolean {
  return path.startsWith("/");
}

/** Without repeated slashes, parts that are `.`, and a slash at the end. */
export function simplifyPath(path: string): string {
  const parts = path.split("/").filter((part) => part !== "" && part !== ".");
  return isAbsolute(path) ? `/${parts.join("/")}` : parts.join("/");
}

/** Whether the kernel would take it: neither it nor a part is too long. */
export function isValidPath(path: string): boolean {
  if (path === "" || path.includes("\0") || Buffer.byteLength(path) > longest.path) return false;
  return path.split("/").every((part) => Buffer.byteLength(part) <= longest.part);
}

/** Whether it can be the name of a file in a directory. */
export function isFileName(name: string): boolean {
  return name !== "" && name !== "." && name !== ".." && !name.includes("/") && isValidPath(name);
}

/** Whether it goes nowhere but down: it has no part that is `..`, and none that is `.` */
export function isNormalized(path: string): boolean {
  return isValidPath(path) && path.split("/").every((part) => part !== ".." && part !== ".");
}

/**
 * The place where a file below `/var/run` is nowadays; undefined where it is not below that.
 */
export function withoutVarRun(path: string): string | undefined {
  return path.startsWith("/var/run/") ? path.slice("/var".length) : undefined;
}
