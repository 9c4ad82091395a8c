// What a service's process tells of itself, and how its health is: additive fields of the service expression.

import { isList, type Sexp, sym, symbolName } from "./sexp.js";

export interface ConditionStatus {
  /** What the process has said of itself last (STATUS=): one printable line. */
  readonly text?: string;
  /** What it has said that it is about. */
  readonly phase?: "reloading" | "stopping";
  /** How its health is; absent where it is not asked for. */
  readonly health?: {
    /** Seconds since the epoch: since when it is as it is. */
    readonly since: number;
    /** How many probes have failed in a row. */
    readonly failures: number;
    /** Why the last one failed, where it did. */
    readonly reason?: string;
  };
  /** Why the process was ended, or is being, and the service started again. */
  readonly condemned?: string;
}

/** The fields, by their names on the wire; none where there is nothing to tell. */
export function encodeCondition({
  text,
  phase,
  health,
  condemned,
}: ConditionStatus): readonly (readonly [string, Sexp])[] {
  const fields: (readonly [string, Sexp])[] = [];
  if (text !== undefined) fields.push(["status-text", text]);
  if (phase !== undefined) fields.push(["phase", sym(phase)]);
  if (health !== undefined) {
    const { since, failures, reason } = health;
    fields.push(["health", [since, failures, ...(reason === undefined ? [] : [reason])]]);
  }
  if (condemned !== undefined) fields.push(["condemned-because", condemned]);
  return fields;
}

/** What of it a daemon has told; what cannot be read is passed over, as every field that is not known. */
export function decodeCondition(extra: ReadonlyMap<string, Sexp>): ConditionStatus {
  const text = extra.get("status-text");
  const phase = symbolName(extra.get("phase"));
  const health = extra.get("health");
  const condemned = extra.get("condemned-because");
  const [since, failures, reason] = isList(health) ? health : [];
  return {
    ...(typeof text === "string" ? { text } : {}),
    ...(phase === "reloading" || phase === "stopping" ? { phase } : {}),
    ...(typeof since === "number" && typeof failures === "number"
      ? { health: { since, failures, ...(typeof reason === "string" ? { reason } : {}) } }
      : {}),
    ...(typeof condemned === "string" ? { condemned } : {}),
  };
}
