// An archive in cpio's "newc" format, which is what the kernel unpacks as its first file system.

import { dirname } from "node:path";

/** What a path of the archive is. */
export type Entry =
  | { readonly kind: "file"; readonly data: Uint8Array; readonly mode: number }
  | { readonly kind: "link"; readonly target: string }
  | { readonly kind: "directory"; readonly mode: number };

const types = { file: 0o100000, link: 0o120000, directory: 0o040000 } as const;
const alignment = 4;

/** The archive's pieces, in order: not joined, since they are large. Missing directories are added. */
export function archive(entries: ReadonlyMap<string, Entry>): Uint8Array[] {
  const whole = withParents(entries);
  const pieces = [...whole].flatMap(([path, entry], index) => member(index + 1, path, entry));
  return [...pieces, ...member(0, "TRAILER!!!", { kind: "file", data: new Uint8Array(), mode: 0 })];
}

/** The kernel makes no directory by itself, and needs each before what is in it. */
function withParents(entries: ReadonlyMap<string, Entry>): Map<string, Entry> {
  const whole = new Map<string, Entry>();
  const add = (path: string): void => {
    const parent = dirname(path);
    if (parent !== "/" && !whole.has(parent)) add(parent);
    whole.set(path, entries.get(path) ?? { kind: "directory", mode: 0o755 });
  };
  for (const path of entries.keys()) if (!whole.has(path)) add(path);
  return whole;
}

function member(inode: number, path: string, entry: Entry): Uint8Array[] {
  const name = Buffer.from(`${path.replace(/^\//, "")}\0`);
  const data = content(entry);
  const mode = types[entry.kind] | (entry.kind === "link" ? 0o777 : entry.mode);
  const [owner, group, links, time, device] = [0, 0, 1, 0, 0];
  const numbers = [inode, mode, owner, group, links, time, data.length];
  const fields = [...numbers, device, device, device, device, name.length, 0];
  const magic = "070701";
  const header = Buffer.from(magic + fields.map((field) => field.toString(16).padStart(8, "0")).join(""));
  return [header, name, padding(header.length + name.length), data, padding(data.length)];
}

function content(entry: Entry): Uint8Array {
  if (entry.kind === "file") return entry.data;
  return entry.kind === "link" ? Buffer.from(entry.target) : new Uint8Array();
}

function padding(length: number): Uint8Array {
  return new Uint8Array((alignment - (length % alignment)) % alignment);
}
