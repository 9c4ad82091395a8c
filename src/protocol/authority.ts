// The authority of a URI, `//USER@HOST:PORT`, as what is handed to a program such as ssh.

export interface Authority {
  readonly host: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
  /** What follows it, as it is; empty or beginning with one of `/?#`. */
  readonly rest: string;
}

/** What is wrong with it; the message is to follow the URI. */
export class AuthorityError extends Error {
  override readonly name = "AuthorityError";
}

const pattern =
  /^\/\/(?:(?<user>[^@/?#]*)@)?(?<host>\[[0-9a-f:.]+(?:%[^\]]+)?\]|[^:@/?#[\]\s]*)(?::(?<port>[^/?#]*))?(?<rest>[/?#].*)?$/is;

/**
 * @param text what follows the scheme and its colon
 * @throws AuthorityError
 */
export function parseAuthority(text: string): Authority {
  const groups = pattern.exec(text)?.groups;
  if (groups === undefined) throw new AuthorityError("expected //HOST or //HOST:PORT after the scheme");
  const { user, port, rest = "" } = groups;
  const host = decoded(groups.host?.replace(/^\[|\]$/g, "") ?? "");
  if (host === "") throw new AuthorityError("it names no host");
  if (user?.includes(":")) throw new AuthorityError("a password has no place in a URI");
  const name = user === undefined ? undefined : decoded(user);
  // A name that begins with a hyphen would be an option of ssh, which also hands names to shells, as its configuration has it.
  for (const word of [host, name ?? "x"])
    if (!/^[\p{L}\p{N}_.:%@+\\][\p{L}\p{N}_.:%@+\\-]*$/u.test(word))
      throw new AuthorityError("its host or its user is no name");
  return { host, user: name, port: portOf(port), rest };
}

function portOf(port: string | undefined): number | undefined {
  if (port === undefined || port === "") return undefined;
  const number = /^\d{1,5}$/.test(port) ? Number(port) : 0;
  if (number < 1 || number > 65535)
    throw new AuthorityError(`its port "${port}" is none: expected 1 to 65535`);
  return number;
}

/** Without the escapes of a URI; as it is where they are malformed. */
export function decoded(text: string): string {
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
