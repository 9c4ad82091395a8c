// Who may ask what: hosts, tokens and where an order comes from. Pure functions of a request's headers.
//
// Nothing that a browser sends by itself is enough to change anything. It sends the password of HTTP's basic authentication by
// itself, to this origin alone, port included; an order needs the token, or the page's key, in a header besides, which only a
// script of this origin can set, since no other one is allowed to (there is no CORS).

import { createHash, createHmac, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";

export interface Gate {
  readonly token: string;
  /** The names, without ports, under which we may be asked, in lower case. */
  readonly hosts: ReadonlySet<string>;
}

/** The names of this machine to itself. A page of another name that is made to point here does not have them. */
export const localHosts: readonly string[] = ["localhost", "127.0.0.1", "[::1]"];

/** The header in which a page's orders have their key. */
export const keyHeader = "x-shepherd-token";

/** Equal without telling, by the time it takes, how much of it is. */
export function sameSecret(one: string, other: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(one), digest(other));
}

/** What the page has instead of the token. */
export function pageKey(token: string): string {
  return createHmac("sha256", token).update("shepherd web: orders of the page").digest("base64url");
}

/** Whether we are asked under a name of ours. */
export function isOurHost(host: string | undefined, { hosts }: Gate): boolean {
  const [, name] = /^(\[[0-9a-f:.]+\]|[^:@/\s]+)(?::\d{1,5})?$/i.exec(host ?? "") ?? [];
  return name !== undefined && hosts.has(name.toLowerCase().replace(/\.$/, ""));
}

/** Whether the request has the token: as a bearer's, or as the password, of any user, of basic authentication. */
export function isAuthorized({ authorization = "" }: IncomingHttpHeaders, { token }: Gate): boolean {
  const [, scheme = "", credentials = ""] = /^([a-z]+) +(\S+)$/i.exec(authorization) ?? [];
  switch (scheme.toLowerCase()) {
    case "bearer":
      return sameSecret(credentials, token);
    case "basic":
      return sameSecret(
        Buffer.from(credentials, "base64")
          .toString("latin1")
          .replace(/^[^:]*:/, ""),
        token,
      );
    default:
      return false;
  }
}

/** Why an authorized request may change nothing; undefined where it may. */
export function whyNoOrder(headers: IncomingHttpHeaders, { token }: Gate): string | undefined {
  const { origin, host, "sec-fetch-site": site } = headers;
  if (site !== undefined && site !== "same-origin") return `it comes from another site (${site})`;
  if (origin !== undefined && !sameOrigin(origin, host)) return "it comes from a page of another origin";
  // Nothing of a browser's own accord is a bearer.
  if (/^bearer /i.test(headers.authorization ?? "")) return undefined;
  const key = headers[keyHeader];
  if (typeof key !== "string") return `the header ${keyHeader} is missing`;
  return sameSecret(key, token) || sameSecret(key, pageKey(token))
    ? undefined
    : `the header ${keyHeader} is wrong`;
}

/** A proxy may speak TLS for us: the scheme says nothing. */
function sameOrigin(origin: string, host: string | undefined): boolean {
  return host !== undefined && /^https?:\/\/(.*)$/i.exec(origin)?.[1]?.toLowerCase() === host.toLowerCase();
}
