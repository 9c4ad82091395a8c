// What the name of a daemon's end of a connection means: a file name or a URI.

import {
  type Authority,
  AuthorityError,
  decoded,
  parseAuthority,
  withoutPassword,
} from "../protocol/authority.js";
import { StoreConnectionError } from "./errors.js";

export { withoutPassword } from "../protocol/authority.js";

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

function authorityOf(uri: string, text: string): Authority {
  try {
    const authority = parseAuthority(text);
    if (authority.rest !== "" && authority.rest !== "/")
      throw new AuthorityError("there is more after the host and the port");
    return authority;
  } catch (error) {
    if (error instanceof AuthorityError) throw refusal(uri, "EINVAL", error.message);
    throw error;
  }
}

function refusal(uri: string, code: string, problem: string): StoreConnectionError {
  const file = withoutPassword(uri);
  return new StoreConnectionError(`connect to the daemon at "${file}": ${problem}`, { file, code });
}
