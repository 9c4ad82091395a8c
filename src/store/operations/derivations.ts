// Makes derivations in a store, and reads those that are there.

import { readFile, stat } from "node:fs/promises";
import { check, checkFields, checkValue, fail, isRecord } from "../../daemon/definition/check.js";
import { isText, listOf } from "../../daemon/definition/fields.js";
import { parseDerivation, writeDerivation } from "../aterm.js";
import { fromBase32 } from "../base32.js";
import { checkStore, type StoreConnection } from "../connection.js";
import {
  type Derivation,
  type DerivationInput,
  derivationReferences,
  derivationText,
  type FixedOutput,
  isDerivation,
  known,
  makeDerivation,
} from "../derivation.js";
import { StoreError } from "../errors.js";
import {
  digestSizes,
  type HashAlgorithm,
  isHashAlgorithm,
  isStoreName,
  parseStorePath,
  textPath,
} from "../store-path.js";
import { addTextToStore } from "./additions.js";
import { argument } from "./arguments.js";

export interface DerivationOptions {
  /** Default: this machine's, as `x86_64-linux`. */
  readonly system?: string;
  /** The builder's environment; the outputs' names are added to it. Default: nothing else. */
  readonly env?: Readonly<Record<string, string>>;
  /** Derivations that are needed: one stands for its output `out`. Default none. */
  readonly inputs?: readonly (
    | Derivation
    | readonly [derivation: Derivation, ...outputs: string[]]
    | DerivationInput
  )[];
  /** Other store items that are needed, such as the builder; default none. */
  readonly sources?: readonly string[];
  /** Names of its outputs; default `["out"]`. */
  readonly outputs?: readonly string[];
  /** What the contents of its one output must be: a digest, in base 16, in Guix's base 32, or as bytes. */
  readonly hash?: string | Uint8Array;
  /** How `hash` was made; default `sha256`. */
  readonly hashAlgorithm?: HashAlgorithm;
  /** Whether `hash` is that of the archive, as for a directory or a program; default false. */
  readonly recursive?: boolean;
}

const what = "derivation";

const isOutputName = (value: unknown): value is string =>
  typeof value === "string" && isStoreName(value) && value !== "drv";

const isInput = (value: unknown): boolean => {
  if (isDerivation(value)) return true;
  if (Array.isArray(value)) return isDerivation(value[0]) && value.slice(1).every(isOutputName);
  return (
    isRecord(value) && isDerivation(value.derivation) && listOf("", isOutputName, 1).matches(value.outputs)
  );
};

const name = check<string>(
  "a name of letters, digits and +._?=-",
  (value) => typeof value === "string" && isStoreName(value),
);

const optionChecks = {
  system: argument.name,
  env: check<Readonly<Record<string, string>>>(
    "an object with strings",
    (value) => isRecord(value) && Object.values(value).every(isText),
  ),
  inputs: listOf<NonNullable<DerivationOptions["inputs"]>[number]>("a list of derivations", isInput),
  sources: argument.paths,
  outputs: listOf<string>("a list of at least one name", isOutputName, 1),
  hash: check<string | Uint8Array>(
    "a digest, in base 16, in base 32 or as bytes",
    (value) => typeof value === "string" || value instanceof Uint8Array,
  ),
  hashAlgorithm: check<HashAlgorithm>(`one of ${Object.keys(digestSizes).join(", ")}`, isHashAlgorithm),
  recursive: argument.flag,
} as const;

/**
 * Makes a derivation and adds its file to the store.
 *
 * @param store where it is to be built
 * @param derivationName what its outputs are called, after their digests
 * @param builder the program that builds it: a file, which Guix's daemons want to be in the store, or `builtin:` and a name
 */
export async function derivation(
  store: StoreConnection,
  derivationName: string,
  builder: string,
  args: readonly string[] = [],
  options: DerivationOptions = {},
): Promise<Derivation> {
  const subject = { what };
  checkStore(store, what);
  checkValue(subject, derivationName, name, 'argument "name"');
  checkValue(subject, builder, argument.name, 'argument "builder"');
  checkValue(subject, args, listOf<string>("a list of strings", isText), 'argument "args"');
  const {
    inputs = [],
    sources = [],
    outputs = ["out"],
    env = {},
    system = thisSystem(),
    ...rest
  } = checkFields(subject, options, optionChecks);
  const fixed = fixedOutput(rest);
  if (fixed !== undefined && (outputs.length !== 1 || outputs[0] !== "out"))
    fail(subject, 'field "hash": only a derivation whose one output is "out" can have it');
  if (new Set(outputs).size !== outputs.length) fail(subject, 'field "outputs": one of them occurs twice');
  const made = makeDerivation(store.storeDirectory, {
    name: derivationName,
    inputs: inputs.map(inputOf),
    sources,
    outputs,
    system,
    builder,
    args,
    env: new Map(Object.entries(env)),
    fixed,
  });
  await addTextToStore(
    store,
    `${derivationName}.drv`,
    writeDerivation(derivationText(made)),
    derivationReferences(made),
  );
  return made;
}

function inputOf(input: NonNullable<DerivationOptions["inputs"]>[number]): DerivationInput {
  if (isDerivation(input)) return { derivation: input, outputs: ["out"] };
  if (!isPair(input)) return input;
  const [first, ...outputs] = input;
  return { derivation: first, outputs: outputs.length === 0 ? ["out"] : outputs };
}

function isPair(
  input: DerivationInput | readonly [Derivation, ...string[]],
): input is readonly [Derivation, ...string[]] {
  return Array.isArray(input);
}

function fixedOutput({
  hash,
  hashAlgorithm: algorithm = "sha256",
  recursive = false,
}: Pick<DerivationOptions, "hash" | "hashAlgorithm" | "recursive">): FixedOutput | undefined {
  if (hash === undefined) return undefined;
  const size = digestSizes[algorithm];
  const digest = typeof hash === "string" ? digestOf(hash, size) : hash;
  if (digest?.length !== size)
    fail({ what }, `field "hash": expected the ${size} bytes of a ${algorithm} digest`);
  return { algorithm, digest, recursive };
}

function digestOf(text: string, size: number): Buffer | undefined {
  return text.length === 2 * size && /^[0-9a-f]*$/i.test(text) ? Buffer.from(text, "hex") : fromBase32(text);
}

/** The names of processors that are others here than in derivations. */
const processors: Readonly<Record<string, string>> = {
  x64: "x86_64",
  ia32: "i686",
  arm64: "aarch64",
  arm: "armhf",
};

function thisSystem(): string {
  return `${processors[process.arch] ?? process.arch}-linux`;
}

/** More than any derivation has. */
const largestDerivation = 64 * 1024 ** 2;

/**
 * Reads a derivation, and those that it needs, from their files: the store's directory must be here. Each file's contents
 * must be what its name says.
 *
 * @param file the name of a `.drv` file
 */
export async function readDerivation(storeDirectory: string, file: string): Promise<Derivation> {
  return read(storeDirectory, file, new Map());
}

/** Each file once: many derivations share what they need. */
function read(
  storeDirectory: string,
  file: string,
  met: Map<string, Promise<Derivation>>,
): Promise<Derivation> {
  const before = met.get(file);
  if (before !== undefined) return before;
  const reading = readOne(storeDirectory, file, met);
  met.set(file, reading);
  return reading;
}

async function readOne(
  storeDirectory: string,
  file: string,
  met: Map<string, Promise<Derivation>>,
): Promise<Derivation> {
  const parsedName = parseStorePath(storeDirectory, file);
  if (parsedName?.name.endsWith(".drv") !== true)
    throw new StoreError(`readDerivation: "${file}" is no derivation's file in ${storeDirectory}`);
  if ((await stat(file)).size > largestDerivation)
    throw new StoreError(`readDerivation: ${file} is too large`);
  const bytes = await readFile(file);
  const text = bytes.toString();
  const { inputDerivations, inputSources, ...rest } = parseDerivation(text);
  const references = [...inputDerivations.keys(), ...inputSources];
  if (textPath(storeDirectory, parsedName.name, bytes, references) !== file)
    throw new StoreError(`readDerivation: the contents of ${file} are not what its name says`);
  const inputs: DerivationInput[] = [];
  for (const [input, outputs] of inputDerivations)
    inputs.push({ derivation: await read(storeDirectory, input, met), outputs });
  return known({
    name: parsedName.name.slice(0, -".drv".length),
    fileName: file,
    ...rest,
    inputs,
    sources: inputSources,
  });
}
