// What stands between a service and its start: additive fields of the service expression, told of one that does not run.

import { asNames, asNumber, isList, mapList, type Sexp, sym, symbolName } from "./sexp.js";

/** How another service is that has to be up, or done, first. */
export type Hindrance = "missing" | "disabled" | "failed" | "stopped" | "starting" | "stopping";

export interface Waiting {
  /** Whether its start was asked for and has not begun. */
  readonly wanted: boolean;
  /** What has to be up first and is not; where no start was asked for, only what a start would fail for. */
  readonly lacking: readonly { readonly service: string; readonly how: Hindrance }[];
  /** Services whose own start waits for this one. */
  readonly awaitedBy: readonly string[];
  /** Seconds since the epoch: when it is started again after its own end. */
  readonly respawnAt?: number;
}

/** The fields, by their names on the wire; none where there is nothing to tell. */
export function encodeWaiting({
  wanted,
  lacking,
  awaitedBy,
  respawnAt,
}: Waiting): readonly (readonly [string, Sexp])[] {
  const fields: (readonly [string, Sexp])[] = [];
  if (wanted) fields.push(["start-pending?", true]);
  if (lacking.length > 0)
    fields.push(["lacking", lacking.map(({ service, how }) => [sym(service), sym(how)])]);
  if (awaitedBy.length > 0) fields.push(["awaited-by", awaitedBy.map(sym)]);
  if (respawnAt !== undefined) fields.push(["respawn-at", respawnAt]);
  return fields;
}

/** What of it a daemon has told; what cannot be read is passed over. */
export function decodeWaiting(extra: ReadonlyMap<string, Sexp>): Waiting {
  const respawnAt = asNumber(extra.get("respawn-at"));
  return {
    wanted: extra.get("start-pending?") === true,
    lacking: mapList(extra.get("lacking"), decodeLacking) ?? [],
    awaitedBy: asNames(extra.get("awaited-by")) ?? [],
    ...(respawnAt === undefined ? {} : { respawnAt }),
  };
}

const hindrances: readonly string[] = [
  "missing",
  "disabled",
  "failed",
  "stopped",
  "starting",
  "stopping",
] satisfies Hindrance[];

function isHindrance(name: string | undefined): name is Hindrance {
  return name !== undefined && hindrances.includes(name);
}

function decodeLacking(value: Sexp): Waiting["lacking"][number] | undefined {
  const [name, state] = isList(value) ? value : [];
  const service = symbolName(name);
  const how = symbolName(state);
  return service === undefined || !isHindrance(how) ? undefined : { service, how };
}
