// What a service that is a systemd unit tells besides: the field `unit` of our service expressions, an association list.

import { asStrings, fieldsOf, isList, mapList, type Sexp, sym, symbolName } from "./sexp.js";

/** A directive that is not, or only partly, applied. */
export interface UnitShortfall {
  readonly directive: string;
  readonly extent: "partly" | "not";
  readonly why: string;
  readonly file: string;
  /** From 1; 0: the file as a whole. */
  readonly line: number;
}

export interface UnitStatus {
  /** Such as `nginx.service`. */
  readonly name: string;
  /** What it was loaded from: the main file, if there is one, then drop-ins. */
  readonly files: readonly string[];
  /** Why it cannot be started. */
  readonly refused?: string;
  /** The service that it starts, of a socket, a timer or a path. */
  readonly starts?: string;
  /** Of a socket: whether each connection gets a service of its own. */
  readonly forEachConnection?: boolean;
  /** What it listens to or watches, of a socket or a path, as units have it: `PathExists=/run/x`. */
  readonly watches?: readonly string[];
  readonly notApplied: readonly UnitShortfall[];
}

/** The field's name on the wire. */
export const unitField = "unit";

const textFields = ["refused", "starts"] as const;

export function encodeUnit(unit: UnitStatus): Sexp {
  const { name, files, watches, notApplied, forEachConnection } = unit;
  return [
    [sym("name"), name],
    [sym("files"), files],
    ...textFields.flatMap((field) => {
      const text = unit[field];
      return text === undefined ? [] : [[sym(field), text]];
    }),
    ...(forEachConnection === true ? [[sym("for-each-connection?"), true]] : []),
    ...(watches === undefined ? [] : [[sym("watches"), watches]]),
    [
      sym("not-applied"),
      notApplied.map(({ directive, extent, why, file, line }) => [directive, sym(extent), why, file, line]),
    ],
  ];
}

/** Undefined for what is no association list with a name; an entry that is not what it should be is passed over. */
export function decodeUnit(value: Sexp | undefined): UnitStatus | undefined {
  if (!isList(value)) return undefined;
  const fields = fieldsOf(value);
  const name = fields.get("name");
  if (typeof name !== "string") return undefined;
  const watches = asStrings(fields.get("watches"));
  return {
    name,
    files: asStrings(fields.get("files")) ?? [],
    ...Object.fromEntries(
      textFields.flatMap((field) => {
        const text = fields.get(field);
        return typeof text === "string" ? [[field, text] as const] : [];
      }),
    ),
    ...(fields.get("for-each-connection?") === true ? { forEachConnection: true } : {}),
    ...(watches === undefined ? {} : { watches }),
    notApplied: mapList(fields.get("not-applied"), decodeShortfall) ?? [],
  };
}

function decodeShortfall(value: Sexp): UnitShortfall | undefined {
  const [directive, extent, why, file, line] = isList(value) ? value : [];
  const known = symbolName(extent);
  if (typeof directive !== "string" || typeof why !== "string" || typeof file !== "string") return undefined;
  if ((known !== "partly" && known !== "not") || typeof line !== "number") return undefined;
  return { directive, extent: known, why, file, line };
}
