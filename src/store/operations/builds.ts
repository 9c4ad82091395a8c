// Builds derivations, and gets store items from elsewhere.

import { check, checkValue } from "../../daemon/definition/check.js";
import { isText, listOf } from "../../daemon/definition/fields.js";
import { checkStore, perform, type StoreConnection } from "../connection.js";
import { type Derivation, isDerivation } from "../derivation.js";
import { StoreProtocolError } from "../errors.js";
import { int, strings } from "../wire/decode.js";
import { argument, checkArgument } from "./arguments.js";

/**
 * How to build:
 * - `normal`: what is not there;
 * - `repair`: build or fetch anew what is damaged, for a privileged client;
 * - `check`: build what is there once more, and fail if the result is another.
 */
export type BuildMode = "normal" | "repair" | "check";

const modes: Readonly<Record<BuildMode, number>> = { normal: 0, repair: 1, check: 2 };

const buildMode = check<BuildMode>(
  `one of ${Object.keys(modes).join(", ")}`,
  (value) => typeof value === "string" && Object.hasOwn(modes, value),
);

/** A derivation, or the name of its file. */
type DerivationOrFile = Derivation | string;

/** A derivation, the name of its file, either with the name of the one output to build, or a derivation's input. */
export type Buildable =
  | DerivationOrFile
  | readonly [derivation: DerivationOrFile, output: string]
  | { readonly derivation: DerivationOrFile; readonly outputs: readonly string[] };

/**
 * Builds derivations, with what they need, and waits for that. The log goes to the build output port. Gives true.
 *
 * @throws StoreProtocolError where one cannot be built: status 100 where its builder failed, 101 where it took or was silent
 * for too long, 1 otherwise
 */
export async function buildDerivations(
  store: StoreConnection,
  derivations: readonly Buildable[],
  mode: BuildMode = "normal",
): Promise<true> {
  const what = "buildDerivations";
  checkArgument(what, "derivations", derivations, listOf<Buildable>("a list of derivations", isBuildable));
  return build(store, what, derivations.map(nameOf), mode);
}

/**
 * As `buildDerivations`, for names of derivations' files, with `!OUTPUT` after them for one output, and of store items,
 * which can be substituted but not built.
 */
export async function buildThings(
  store: StoreConnection,
  things: readonly (string | readonly [path: string, output: string])[],
  mode: BuildMode = "normal",
): Promise<true> {
  const what = "buildThings";
  checkArgument(
    what,
    "things",
    things,
    listOf<(typeof things)[number]>("a list of store items", isBuildable),
  );
  return build(store, what, things.map(nameOf), mode);
}

async function build(
  store: StoreConnection,
  name: string,
  things: readonly string[],
  mode: BuildMode,
): Promise<true> {
  checkStore(store, name);
  checkValue({ what: name }, mode, buildMode, 'argument "mode"');
  const modern = store.versions.minor >= 15;
  if (!modern && mode !== "normal") throw new StoreProtocolError("unsupported build mode", 1);
  await perform(store, {
    name,
    operation: 9,
    encode: (encoder) => {
      encoder.strings(things);
      if (modern) encoder.int(modes[mode]);
    },
    decode: (input) => int(input, "whether it was built"),
    long: true,
  });
  return true;
}

const isAbsolute = argument.path.matches;

function isDerivationOrFile(value: unknown): boolean {
  return isAbsolute(value) || isDerivation(value);
}

const isOutput = (value: unknown): boolean => isText(value) && value !== "" && !/[!,]/.test(value);

function isBuildable(value: unknown): boolean {
  if (isDerivationOrFile(value)) return true;
  if (Array.isArray(value)) return value.length === 2 && isDerivationOrFile(value[0]) && isOutput(value[1]);
  if (typeof value !== "object" || value === null || !("derivation" in value) || !("outputs" in value))
    return false;
  return isDerivationOrFile(value.derivation) && listOf<string>("", isOutput, 1).matches(value.outputs);
}

function nameOf(thing: Buildable): string {
  if (typeof thing === "string") return thing;
  if (isPair(thing)) return `${fileOf(thing[0])}!${thing[1]}`;
  if ("derivation" in thing) return `${fileOf(thing.derivation)}!${thing.outputs.join(",")}`;
  return fileOf(thing);
}

function isPair(thing: Buildable): thing is readonly [DerivationOrFile, string] {
  return Array.isArray(thing);
}

function fileOf(derivation: DerivationOrFile): string {
  return typeof derivation === "string" ? derivation : derivation.fileName;
}

/** Sees that an item is there, by a substitute where it is not. */
export async function ensurePath(store: StoreConnection, path: string): Promise<void> {
  const name = "ensurePath";
  checkArgument(name, "path", path, argument.path);
  await perform(store, {
    name,
    operation: 10,
    encode: (encoder) => encoder.string(path),
    decode: (input) => int(input, "that it is there"),
    long: true,
  });
}

/** What of Guix a Nix daemon has not: it would close the connection. */
function demandGuix(store: StoreConnection, what: string): void {
  checkStore(store, what);
  if (store.versions.nix) throw new StoreProtocolError(`${store.peer}: ${what}: a Nix daemon cannot do that`);
}

/** The outputs whose builds have failed and are not tried again, where the daemon remembers them. Not of a Nix daemon. */
export async function queryFailedPaths(store: StoreConnection): Promise<readonly string[]> {
  const name = "queryFailedPaths";
  demandGuix(store, name);
  return perform(store, { name, operation: 24, decode: (input) => strings(input, "store items") });
}

/** Has builds that failed tried again. Not of a Nix daemon. */
export async function clearFailedPaths(store: StoreConnection, paths: readonly string[]): Promise<void> {
  const name = "clearFailedPaths";
  checkArgument(name, "paths", paths, argument.paths);
  demandGuix(store, name);
  await perform(store, {
    name,
    operation: 25,
    encode: (encoder) => encoder.strings(paths),
    decode: (input) => int(input, "that it is done"),
  });
}

/** The builders that the daemon has itself, such as `download`; none of a Nix daemon. */
export async function builtInBuilders(store: StoreConnection): Promise<readonly string[]> {
  const name = "builtInBuilders";
  checkStore(store, name);
  if (store.versions.nix) return [];
  return perform(store, {
    name,
    operation: 80,
    decode: (input) => strings(input, "builders"),
  });
}

/** Since when Guix's daemon tells where it gets substitutes. */
const firstWithSubstituteUrls = 0x164;

/** Where the daemon gets substitutes; undefined for daemons that do not tell. */
export async function substituteUrls(store: StoreConnection): Promise<readonly string[] | undefined> {
  const name = "substituteUrls";
  checkStore(store, name);
  const { nix, daemon } = store.versions;
  if (nix || daemon < firstWithSubstituteUrls) return undefined;
  return perform(store, { name, operation: 81, decode: (input) => strings(input, "URLs") });
}
