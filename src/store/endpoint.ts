// What the name of a daemon's end of a connection means: a file name or a URI.

import { StoreConnectionError } from "./errors.js";

export type Endpoint =
  | { readonly kind: "unix"; readonly file: string }
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | {
      readonly kind: "ssh";
      readonly host: string;
      readonly user: string | undefined;
      /** Absent: the one that the configuration of ssh names, or else 22. */
      readonly port: number | undefined;
    };

/** The port of guix-daemon. */
export const defaultPort = 44146;

/** Longest name of a socket: one byte of the kernel's 108 is for the NUL at the end. */
const longestSocketName = 107;

/** Where to connect to where no URI is given: GUIX_DAEMON_SOCKET, or else the socket in the state directory. */
export function defaultUri(environment: Readonly<Record<string, string | undefined>>): string {
  return environment.GUIX_DAEMON_SOCKET ?? "/var/guix/daemon-socket/socket";
}

/**
 * What is no URI is a file name. Throws a StoreConnectionError: `ENOTSUP` for a scheme that is not known, `EINVAL` for what
 * a scheme cannot be followed by, `ENAMETOOLONG` for a socket's name.
 */
export function resolveEndpoint(uri: string): Endpoint {
  const { scheme, rest = "" } = /^(?<scheme>[a-z][a-z0-9+.-]*):(?<rest>.*)$/is.exec(uri)?.groups ?? {};
  switch (scheme?.toLowerCase()) {
    case undefined:
      return unix(uri, uri);
    case "file":
    case "unix":
      return unix(uri, decoded(rest.replace(/^\/\/[^/?#]*/, "").replace(/[?#].*$/s, "")));
    case "guix": {
      const { host, port } = authorityOf(uri, rest);
      return { kind: "tcp", host, port: port ?? defaultPort };
    }
    case "ssh": {
      const { host, user, port } = authorityOf(uri, rest);
      return { kind: "ssh", host, user, port };
    }
    default:
      throw refusal(uri, "ENOTSUP", `the scheme "${scheme}" is not supported: file, unix, guix and ssh are`);
  }
}

function unix(uri: string, file: string): Endpoint {
  if (file === "") throw refusal(uri, "EINVAL", "it names no file");
  if (file.includes("\0")) throw refusal(uri, "EINVAL", "there is a NUL in it");
  const length = Buffer.byteLength(file);
  if (length > longestSocketName)
    throw refusal(
      uri,
      "ENAMETOOLONG",
      `a socket's name has up to ${longestSocketName} bytes, and this one ${length}`,
    );
  return { kind: "unix", file };
}

interface Authority {
  readonly host: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
}

const authorityPattern =
  /^\/\/(?:(?<user>[^@/?#]*)@)?(?<host>\[[0-9a-f:.]+(?:%[^\]]+)?\]|[^:@/?#[\]\s]*)(?::(?<port>[^/?#]*))?(?<path>[/?#].*)?$/is;

function authorityOf(uri: string, rest: string): Authority {
  const groups = authorityPattern.exec(rest)?.groups;
  if (groups === undefined) throw refusal(uri, "EINVAL", "expected //HOST or //HOST:PORT after the scheme");
  const { user, port, path = "" } = groups;
  const host = decoded(groups.host?.replace(/^\[|\]$/g, "") ?? "");
  if (host === "") throw refusal(uri, "EINVAL", "it names no host");
  if (path !== "" && path !== "/") throw refusal(uri, "EINVAL", "there is more after the host and the port");
  if (user?.includes(":")) throw refusal(uri, "EINVAL", "a password has no place in a URI");
  const name = user === undefined ? undefined : decoded(user);
  // A name that begins so would be an option of ssh.
  for (const word of [host, name ?? "x"])
    if (!/^[^-\s\p{Cc}][^\s\p{Cc}]*$/u.test(word))
      throw refusal(uri, "EINVAL", "its host or its user is no name");
  return { host, user: name, port: portOf(uri, port) };
}

function portOf(uri: string, port: string | undefined): number | undefined {
  if (port === undefined || port === "") return undefined;
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (number < 1 || number > 65535)
    throw refusal(uri, "EINVAL", `its port "${port}" is none: expected 1 to 65535`);
  return number;
}

/** Without the escapes of a URI; as it is where they are malformed. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** A password that somebody put into a URI is not told. */
export function withoutPassword(uri: string): string {
  return uri.replace(/^([^/?#]*\/\/[^:@/?#]*):[^/?#]*@/, "$1:***@");
}

function refusal(uri: string, code: string, problem: string): StoreConnectionError {
  const file = withoutPassword(uri);
  return new StoreConnectionError(`connect to the daemon at "${file}": ${problem}`, { file, code });
}
