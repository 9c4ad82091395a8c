// Presets: which units a system enables when they are installed.

import type { Diagnostic } from "./diagnostics.js";
import { membersOf } from "./drop-ins.js";
import { isTemplate, type UnitName } from "./names.js";
import { strip } from "./parser/text.js";
import { matchesPattern } from "./pattern.js";
import { FileError, type RootedFiles } from "./rooted-files.js";

/** A line of a preset file. */
export interface PresetRule {
  readonly action: "enable" | "disable";
  /** With wildcards as in a shell. */
  readonly pattern: string;
  /** For templates: the instances that are enabled. */
  readonly instances: readonly string[];
}

export interface Preset {
  readonly action: "enable" | "disable";
  readonly instances: readonly string[];
}

/** Reads lines such as `enable ssh.service` and `disable *`. */
export function parsePresets(
  file: string,
  text: string,
): { readonly rules: readonly PresetRule[]; readonly diagnostics: readonly Diagnostic[] } {
  const rules: PresetRule[] = [];
  const diagnostics: Diagnostic[] = [];
  for (const [index, written] of text.split("\n").entries()) {
    const line = strip(written);
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    const [action = "", pattern, ...instances] = line.split(/[ \t]+/);
    if ((action === "enable" || action === "disable") && pattern !== undefined) {
      rules.push({ action, pattern, instances: action === "enable" ? instances : [] });
    } else {
      const what = `expected "enable" or "disable" and a unit, got ${JSON.stringify(line.slice(0, 80))}`;
      diagnostics.push({ file, line: index + 1, severity: "warning", what, done: "the line is ignored" });
    }
  }
  return { rules, diagnostics };
}

/** What the rules say of a unit: the first that matches counts, and a unit that none matches is enabled. */
export function presetOf(rules: readonly PresetRule[], name: UnitName): Preset {
  const template = `${name.prefix}@.${name.type}`;
  for (const { action, pattern, instances } of rules) {
    const named = instances.length > 0 && pattern === template;
    if (named && isTemplate(name)) return { action, instances };
    if (named && instances.includes(name.instance ?? "")) return { action, instances: [] };
    if (matchesPattern(name.full, pattern, { escapes: false })) return { action, instances: [] };
  }
  return { action: "enable", instances: [] };
}

/** The rules of all preset files, in their order. */
export async function readPresets(
  files: RootedFiles,
  path: readonly string[],
): Promise<{ readonly rules: readonly PresetRule[]; readonly diagnostics: readonly Diagnostic[] }> {
  const rules: PresetRule[] = [];
  const { files: found, unreadable } = await membersOf(files, path, (name) => name.endsWith(".preset"));
  const diagnostics: Diagnostic[] = unreadable.map(({ directory, why }) => ({
    file: directory,
    line: 0,
    severity: "warning",
    what: `the directory cannot be read: ${why}`,
    done: "it counts as empty",
  }));
  for (const file of found) {
    try {
      const parsed = parsePresets(file, Buffer.from((await files.read(file)) ?? []).toString("utf8"));
      rules.push(...parsed.rules);
      diagnostics.push(...parsed.diagnostics);
    } catch (error) {
      if (!(error instanceof FileError)) throw error;
      const what = `it cannot be read: ${error.message}`;
      diagnostics.push({ file, line: 0, severity: "warning", what, done: "the file is ignored" });
    }
  }
  return { rules, diagnostics };
}
