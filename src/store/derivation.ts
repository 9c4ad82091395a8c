// Derivations: what is to be built of what, and by which program. Their outputs' names follow from that.

import { type DerivationOutput, type DerivationText, writeDerivation } from "./aterm.js";
import {
  byteSorted,
  fixedOutputPath,
  type HashAlgorithm,
  outputPath,
  sha256,
  textPath,
} from "./store-path.js";

/** A derivation whose inputs are known. Made by `derivation`, or read by `readDerivation`. */
export interface Derivation {
  readonly name: string;
  /** Its `.drv` file in the store. */
  readonly fileName: string;
  /** By their names. */
  readonly outputs: ReadonlyMap<string, DerivationOutput>;
  readonly inputs: readonly DerivationInput[];
  /** Store items that are no derivations' outputs and are needed. */
  readonly sources: readonly string[];
  readonly system: string;
  readonly builder: string;
  readonly args: readonly string[];
  readonly env: ReadonlyMap<string, string>;
}

/** Outputs of another derivation that one needs. */
export interface DerivationInput {
  readonly derivation: Derivation;
  readonly outputs: readonly string[];
}

/** Those that were made here: an object that looks like one is none, since its names might not fit. */
const made = new WeakSet<object>();

export const isDerivation = (value: unknown): value is Derivation =>
  typeof value === "object" && value !== null && made.has(value);

/** For the two modules that make derivations whose names fit. */
export function known(derivation: Derivation): Derivation {
  made.add(derivation);
  return Object.freeze(derivation);
}

/** The store item that an output of a derivation is; default: of its output `out`. Undefined where it has no such output. */
export function derivationToOutputPath(derivation: Derivation, output = "out"): string | undefined {
  return derivation.outputs.get(output)?.path;
}

/** A derivation as its file has it. */
export function derivationText(derivation: Omit<Derivation, "name" | "fileName">): DerivationText {
  const { outputs, inputs, sources, system, builder, args, env } = derivation;
  const inputDerivations = new Map(inputs.map((input) => [input.derivation.fileName, input.outputs]));
  return { outputs, inputDerivations, inputSources: sources, system, builder, args, env };
}

/** What the file of a derivation refers to. */
export function derivationReferences({
  inputs,
  sources,
}: Pick<Derivation, "inputs" | "sources">): readonly string[] {
  return byteSorted([...inputs.map(({ derivation }) => derivation.fileName), ...sources]);
}

/** What the contents of an output must be. */
export interface FixedOutput {
  readonly algorithm: HashAlgorithm;
  readonly digest: Uint8Array;
  /** Whether it is the digest of the archive, and not that of the contents. */
  readonly recursive: boolean;
}

/** What a derivation is made of, whose names are not known yet. */
export interface DerivationParts
  extends Pick<Derivation, "name" | "sources" | "system" | "builder" | "args" | "env"> {
  readonly inputs: readonly DerivationInput[];
  /** Names of its outputs. */
  readonly outputs: readonly string[];
  /** For one whose only output is `out`. */
  readonly fixed?: FixedOutput | undefined;
}

/** The derivation that the parts make: with the names of its outputs, and of its file. */
export function makeDerivation(storeDirectory: string, parts: DerivationParts): Derivation {
  const { name, fixed } = parts;
  const inputs = merged(parts.inputs);
  const outputs =
    fixed === undefined
      ? plainOutputs(storeDirectory, parts, inputs)
      : fixedOutputs(storeDirectory, name, fixed);
  const { sources, system, builder, args } = parts;
  const env = new Map([...parts.env, ...[...outputs].map(([output, { path }]) => [output, path] as const)]);
  const whole = { outputs, inputs, sources: byteSorted(sources), system, builder, args, env };
  const text = writeDerivation(derivationText(whole));
  const fileName = textPath(storeDirectory, `${name}.drv`, text, derivationReferences(whole));
  return known({ name, fileName, ...whole });
}

function fixedOutputs(
  storeDirectory: string,
  name: string,
  { algorithm, digest, recursive }: FixedOutput,
): ReadonlyMap<string, DerivationOutput> {
  const path = fixedOutputPath(storeDirectory, name, recursive, algorithm, digest);
  const hashAlgorithm = `${recursive ? "r:" : ""}${algorithm}`;
  return new Map([["out", { path, hashAlgorithm, hash: Buffer.from(digest).toString("hex") }]]);
}

/** By the digest of the derivation with empty names where the outputs' will be. */
function plainOutputs(
  storeDirectory: string,
  { name, outputs, sources, system, builder, args, env }: DerivationParts,
  inputs: readonly DerivationInput[],
): ReadonlyMap<string, DerivationOutput> {
  const blank = { path: "", hashAlgorithm: "", hash: "" };
  const digest = sha256(
    writeDerivation({
      outputs: new Map(outputs.map((output) => [output, blank])),
      inputDerivations: digested(inputs),
      inputSources: sources,
      system,
      builder,
      args,
      env: new Map([...env, ...outputs.map((output) => [output, ""] as const)]),
    }),
  );
  return new Map(
    outputs.map((output) => [output, { ...blank, path: outputPath(storeDirectory, output, digest, name) }]),
  );
}

/** One entry for each derivation. */
function merged(inputs: readonly DerivationInput[]): readonly DerivationInput[] {
  const byFile = new Map<string, DerivationInput>();
  for (const { derivation, outputs } of inputs) {
    const { fileName } = derivation;
    const others = byFile.get(fileName)?.outputs ?? [];
    byFile.set(fileName, { derivation, outputs: byteSorted([...others, ...outputs]) });
  }
  return [...byFile.values()];
}

const digests = new WeakMap<Derivation, string>();

/**
 * What a derivation is known by to those that need it: in base 16, a digest of all that has a part in what it builds, so
 * that two ways to the same fixed output are one.
 */
export function hashModulo(derivation: Derivation): string {
  const remembered = digests.get(derivation);
  if (remembered !== undefined) return remembered;
  const out = derivation.outputs.get("out");
  const fixed = derivation.outputs.size === 1 && out !== undefined && out.hash !== "";
  const digest = sha256(
    fixed
      ? `fixed:out:${out.hashAlgorithm}:${out.hash}:${out.path}`
      : writeDerivation({ ...derivationText(derivation), inputDerivations: digested(derivation.inputs) }),
  ).toString("hex");
  digests.set(derivation, digest);
  return digest;
}

/** Different derivations can have the same digest: then their outputs are put together. */
function digested(inputs: readonly DerivationInput[]): ReadonlyMap<string, readonly string[]> {
  const result = new Map<string, readonly string[]>();
  for (const { derivation, outputs } of inputs) {
    const digest = hashModulo(derivation);
    result.set(digest, [...(result.get(digest) ?? []), ...outputs]);
  }
  return result;
}
