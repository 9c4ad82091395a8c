// What comes before the units of a system are read, where it is ours to set up: the mark by which programs know a system
// that is run by units, accounts and files that packages declare, and units that generators make.

import { mkdir } from "node:fs/promises";
import { type LoadPurpose, runtime } from "../../src/daemon/definition/runtime.js";
import { errorText } from "../../src/daemon/error-text.js";
import { type Diagnostic, formatDiagnostic } from "../diagnostics.js";
import { applySysusers } from "../sysusers/apply.js";
import { applyTmpfiles } from "../tmpfiles/apply.js";
import { runGenerators } from "./generators.js";

/** `sd_booted` and packages' scripts look for it. */
const mark = "/run/systemd/system";

/**
 * Prepares the system, as far as it is ours: under a keeper that is PID 1, for units of `/`.
 * @param purpose why the configuration is evaluated; undefined outside of a daemon
 * @returns lines for the log
 */
export async function prepareSystem(
  root: string,
  purpose: LoadPurpose | undefined,
): Promise<readonly string[]> {
  if (purpose === undefined || purpose === "resume" || root !== "/") return [];
  const { units } = runtime();
  if (units?.init !== true) return [];
  return [
    ...(await attempt(`the directory ${mark}`, async () => {
      await mkdir(mark, { recursive: true, mode: 0o755 });
      return [];
    })),
    ...(purpose === "start" ? await firstSteps() : []),
    ...(await attempt("generators", () => runGenerators(units))),
  ];
}

/** Accounts first: files belong to them. */
async function firstSteps(): Promise<readonly string[]> {
  return [
    ...(await attempt("sysusers.d", async () => troubles((await applySysusers({ root: "/" })).diagnostics))),
    ...(await attempt("tmpfiles.d", async () => {
      const { diagnostics } = await applyTmpfiles({ root: "/", boot: true, create: true, remove: true });
      return troubles(diagnostics);
    })),
  ];
}

/** That something is there already, and stays, is so at each start but the first. */
function troubles(diagnostics: readonly Diagnostic[]): readonly string[] {
  return diagnostics.filter(({ severity }) => severity !== "notice").map(formatDiagnostic);
}

/** A system whose preparation fails starts nevertheless. */
async function attempt(what: string, body: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return await body();
  } catch (error) {
    return [`${what}: ${errorText(error)}`];
  }
}
