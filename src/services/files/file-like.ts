// Files as values: what a configuration writes instead of the name of a file that has yet to be made. A file-like value
// has a name at run time, `filePath`, that depends on its contents alone, as names in Guix's store do.

import { callSite } from "../../daemon/definition/call-site.js";
import { type Checks, check, checkFields, checkValue, fail, show } from "../../daemon/definition/check.js";
import { fields, isText } from "../../daemon/definition/fields.js";
import { contentHash } from "./content-hash.js";
import { type LocalSource, localSource } from "./local-source.js";
import { isSoftwarePackage, type SoftwarePackage } from "./software-package.js";

export {
  isSoftwarePackage,
  type SoftwarePackage,
  softwarePackage,
  softwarePackageCheck,
} from "./software-package.js";

/** Where files of configurations live at run time. Activation puts them there, before any service starts. */
export const filesDirectory = "/var/lib/shepherd/files";

/** A file with contents from the configuration. */
export interface PlainFile {
  readonly kind: "plain-file";
  readonly name: string;
  readonly contents: string | Uint8Array;
  readonly mode: number;
}

/** A file that was read where the configuration was built; its contents are part of the system from then on. */
export interface LocalFile {
  readonly kind: "local-file";
  readonly name: string;
  /** As the configuration names it. */
  readonly path: string;
  readonly source: LocalSource;
}

/** A file below a package or another file-like value. */
export interface FileAppend {
  readonly kind: "file-append";
  readonly base: FileLike;
  readonly suffix: string;
}

/** Whatever has the name of a file at run time. A string is an absolute file name; a package stands for its prefix. */
export type FileLike = string | PlainFile | LocalFile | FileAppend | SoftwarePackage;

/** What `plainFile` takes besides. */
export interface PlainFileOptions {
  /** Permissions of the file, which belongs to root; default `0o444`. */
  readonly mode?: number | undefined;
}

const made = new WeakSet<object>();

function remember<T extends object>(value: T): Readonly<T> {
  made.add(value);
  return Object.freeze(value);
}

const isMadeHere = (value: unknown): value is PlainFile | LocalFile | FileAppend =>
  typeof value === "object" && value !== null && made.has(value);

/** Whether `value` names a file at run time: one of this module's values, a package, or an absolute file name. */
export function isFileLike(value: unknown): value is FileLike {
  return (isText(value) && value.startsWith("/")) || isMadeHere(value) || isSoftwarePackage(value);
}

/** A check for fields that hold a file-like value. */
export const fileLikeCheck = check<FileLike>(
  "an absolute file name, or a file made by plainFile(…), localFile(…), fileAppend(…) or softwarePackage(…)",
  isFileLike,
);

/** Names become parts of file names below `filesDirectory`. */
const fileName = check<string>(
  "the name of a file, without slashes and at most 200 bytes",
  (value) =>
    isText(value) &&
    value !== "" &&
    value !== "." &&
    value !== ".." &&
    !/[/\p{Cc}]/u.test(value) &&
    Buffer.byteLength(value) <= 200,
);

const optionChecks: Checks<PlainFileOptions> = {
  mode: check<number>(
    "permissions from 0o400 to 0o777",
    (value) => Number.isInteger(value) && Number(value) >= 0o400 && Number(value) <= 0o777,
  ),
};

/**
 * A file with the given contents. It belongs to root; give it a mode such as `0o400` where it holds a secret that only root
 * reads, and an activation step where another user is to own it.
 *
 * @example plainFile("issue", "Welcome!\n")
 * @throws DefinitionError where the name, the contents or an option is not what it should be
 */
export function plainFile(
  name: string,
  contents: string | Uint8Array,
  options: PlainFileOptions = {},
): PlainFile {
  const of = { what: "plainFile", position: callSite() };
  checkValue(of, name, fileName, "the name");
  if (typeof contents !== "string" && !(contents instanceof Uint8Array))
    fail(of, `the contents: expected a string or bytes, got ${show(contents)}`);
  const { mode = 0o444 } = checkFields(of, options, optionChecks);
  // A copy: bytes can be changed by whoever gave them.
  return remember({
    kind: "plain-file",
    name,
    contents: typeof contents === "string" ? contents : Uint8Array.from(contents),
    mode,
  });
}

/**
 * A file of the machine on which the configuration is built. It is read there, once, and is part of the system from then
 * on: changing it changes nothing until the system is built again. A relative name is looked up beside the file that the
 * call is written in.
 *
 * @param path its name
 * @param name what it is to be called; default: its base name
 * @throws DefinitionError where it cannot be read, or a name is not what it should be
 */
export function localFile(path: string, name?: string): LocalFile {
  const of = { what: "localFile", position: callSite() };
  checkValue(of, path, fields.file, "the path");
  const called = checkValue(of, name ?? path.slice(path.lastIndexOf("/") + 1), fileName, "the name");
  return remember({ kind: "local-file", name: called, path, source: localSource(of, path) });
}

/**
 * A file below a package, or a name that begins with that of another file-like value.
 *
 * @example fileAppend(tor, "/bin/tor")
 * @throws DefinitionError where the base is no file-like value, or the suffix no string
 */
export function fileAppend(base: FileLike, suffix: string): FileAppend {
  const of = { what: "fileAppend", position: callSite() };
  checkValue(of, base, fileLikeCheck, "the base");
  checkValue(of, suffix, fields.text, "the suffix");
  return remember({ kind: "file-append", base, suffix });
}

/** The absolute name that a file-like value has at run time. */
export function filePath(file: FileLike): string {
  if (typeof file === "string") return file;
  if (!("kind" in file)) return file.prefix;
  switch (file.kind) {
    case "plain-file":
      return storedName(file.name, contentHash(file.mode, file.contents));
    case "local-file":
      return storedName(file.name, file.source.hash);
    case "file-append":
      return `${filePath(file.base)}${file.suffix}`;
  }
}

function storedName(name: string, hash: string): string {
  return `${filesDirectory}/${hash}-${name}`;
}

/** The files that must be put in place before `file` has its name: none for what is there already. */
export function filesBelow(file: FileLike): readonly (PlainFile | LocalFile)[] {
  if (typeof file === "string" || !("kind" in file)) return [];
  return file.kind === "file-append" ? filesBelow(file.base) : [file];
}
