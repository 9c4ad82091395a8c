// Files of other supervisors as a configuration: which kinds there are, and which one a file is.

import { basename } from "node:path";
import { ConversionError } from "./error.js";
import { convertEcosystem } from "./pm2/pm2.js";
import { convertProcfile } from "./procfile.js";
import { convertSupervisord } from "./supervisord/supervisord.js";

/** Kinds of what is converted, as `--from` names them; the first is no single file. */
export const kinds = ["systemd", "supervisord", "procfile", "pm2"] as const;
export type Kind = (typeof kinds)[number];

const converters: Readonly<Record<Exclude<Kind, "systemd">, (file: string) => Promise<string>>> = {
  supervisord: convertSupervisord,
  procfile: convertProcfile,
  pm2: convertEcosystem,
};

/** What a file is by its name; what is none of them is a unit of systemd. */
export function kindOf(given: string): Kind {
  const name = basename(given);
  if (/^Procfile(?:\.|$)/.test(name)) return "procfile";
  if (/^supervisord?\.(?:conf|ini)$/.test(name)) return "supervisord";
  if (/^(?:ecosystem|pm2|process)\b.*\.(?:[cm]?js|json|ya?ml)$|\.config\.[cm]?js$/.test(name)) return "pm2";
  return "systemd";
}

/**
 * The text of a configuration module.
 * @throws ConversionError
 */
export async function convertFile(kind: Exclude<Kind, "systemd">, files: readonly string[]): Promise<string> {
  const [file, ...more] = files;
  if (file === undefined || more.length > 0)
    throw new ConversionError(`one ${kind} file at a time is converted, got ${files.join(" ")}`);
  return await converters[kind](file);
}
