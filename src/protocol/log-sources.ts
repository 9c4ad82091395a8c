// Where the lines of services are kept: the answer of our daemon's action `log-sources` of root, by which a client reads
// the files itself, also while no daemon lives.
import { ProtocolError } from "./messages.js";
import { asStrings, isList, mapList, record, recordFields, type Sexp, sym, symbolName } from "./sexp.js";

/** How the lines of a file are written; log-writer.md §3. */
export type LogFormat =
  /** With a local date and time before each line. */
  | "stamped"
  /** A recent history: with seconds and nanoseconds since the epoch before each line. */
  | "recent"
  /** One JSON object for each line, with the name of its service; the daemon's own lines have none. */
  | "json";

export interface LogSource {
  /** An absolute name; older files are beside it, as log-rotation.md §1 has it. */
  readonly path: string;
  readonly format: LogFormat;
  /** The file as the daemon sees it, `DEVICE:INODE`, by which a client knows that it sees the same; absent: there is none. */
  readonly identity?: string;
}

export interface ServiceSources {
  /** Its canonical name. */
  readonly service: string;
  /** Whether it has an action `log` of its own, which is then what `herd log SERVICE` runs. */
  readonly ownAction: boolean;
  readonly sources: readonly LogSource[];
}

export interface LogSources {
  /** TZ of the log writer, in whose zone the stamps are; absent: the system's zone. */
  readonly zone?: string;
  readonly services: readonly ServiceSources[];
}

const formats: readonly string[] = ["stamped", "recent", "json"] satisfies LogFormat[];

export function encodeLogSources({ zone, services }: LogSources): Sexp {
  return record("log-sources", [
    ["zone", zone ?? false],
    ["services", services.map(encodeService)],
  ]);
}

/** The result of the action; undefined for what is no answer of this form. Throws a ProtocolError for a malformed one. */
export function decodeLogSources(result: Sexp): LogSources | undefined {
  const fields = recordFields(isList(result) ? result[0] : undefined, "log-sources");
  if (fields === undefined) return undefined;
  const services = mapList(fields.get("services"), decodeService);
  if (services === undefined) throw new ProtocolError("cannot decode reply: it holds no log sources");
  const zone = fields.get("zone");
  return { services, ...(typeof zone === "string" ? { zone } : {}) };
}

function encodeService({ service, ownAction, sources }: ServiceSources): Sexp {
  return [
    sym(service),
    ownAction,
    sources.map(({ path, format, identity }) => [path, format, identity ?? ""]),
  ];
}

function decodeService(value: Sexp): ServiceSources | undefined {
  const [name, ownAction, list] = isList(value) ? value : [];
  const service = symbolName(name);
  const sources = mapList(list, decodeSource);
  if (service === undefined || sources === undefined) return undefined;
  return { service, ownAction: ownAction === true, sources };
}

function decodeSource(value: Sexp): LogSource | undefined {
  const [path, format, identity] = asStrings(value) ?? [];
  if (path === undefined || !isFormat(format)) return undefined;
  return { path, format, ...(identity === undefined || identity === "" ? {} : { identity }) };
}

function isFormat(name: string | undefined): name is LogFormat {
  return name !== undefined && formats.includes(name);
}
