// The answer to `herd tree`: the processes of services, each with its parent.
import { ProtocolError } from "./messages.js";
import { asNumber, isList, mapList, record, recordFields, type Sexp, sym, symbolName } from "./sexp.js";

export interface TreeProcess {
  readonly pid: number;
  readonly parent: number;
  /** As a shell would be told it, secrets left out; in brackets the name of one that has no command line. */
  readonly command: string;
}

export interface ServiceTree {
  /** Its canonical name. */
  readonly service: string;
  readonly processes: readonly TreeProcess[];
  /** How many there are besides, where they are too many to be told. */
  readonly more: number;
}

const tag = "process-trees";

export function encodeTrees(trees: readonly ServiceTree[]): Sexp {
  const services = trees.map(({ service, processes, more }) => [
    sym(service),
    processes.map(({ pid, parent, command }) => [pid, parent, command]),
    more,
  ]);
  return record(tag, [["services", services]]);
}

/** Undefined for what is no answer of this form, such as that of a service's own action. */
export function decodeTrees(result: Sexp): readonly ServiceTree[] | undefined {
  const fields = recordFields(isList(result) ? result[0] : undefined, tag);
  if (fields === undefined) return undefined;
  const trees = mapList(fields.get("services"), decodeTree);
  if (trees === undefined) throw new ProtocolError("cannot decode reply: it holds no trees of processes");
  return trees;
}

function decodeTree(value: Sexp): ServiceTree | undefined {
  const [name, list, more] = isList(value) ? value : [];
  const service = symbolName(name);
  const processes = mapList(list, decodeProcess);
  if (service === undefined || processes === undefined) return undefined;
  return { service, processes, more: asNumber(more) ?? 0 };
}

function decodeProcess(value: Sexp): TreeProcess | undefined {
  const [first, second, command] = isList(value) ? value : [];
  const pid = asNumber(first);
  const parent = asNumber(second);
  if (pid === undefined || parent === undefined || typeof command !== "string") return undefined;
  return { pid, parent, command };
}
