// Carries out single steps of an activation.

import { makeSystemHomes } from "../accounts/homes.js";
import type { LoweredAccounts } from "../accounts/plan.js";
import { updateAccounts } from "../accounts/update.js";
import { filePath } from "../files/file-like.js";
import { cleanUp } from "./cleanup.js";
import { Directory, explained, within } from "./directory.js";
import { installEtc } from "./etc.js";
import { gidOf, readAccounts, uidOf } from "./identity.js";
import { inPlace, type Root } from "./place.js";
import { installPrivilegedPrograms } from "./privileged.js";
import { contentsAtEnd, type Owned, ourselves, putDirectory, putFile, putLink, remove } from "./put.js";
import { type LoweredRunStep, runProgram } from "./run.js";
import type { ActivationStep, CleanupStep, FileStep, Ownership } from "./steps.js";

/** What is activated, and where. */
export interface ActivationContext extends Root {
  /** The system directory, by the name that we know it by. */
  readonly systemDirectory: string;
  /** The same, as it is called below the root. */
  readonly systemName: string;
  readonly log: (line: string) => void;
}

/** @throws PlaceError, AccountError, NoIdError, ProgramError: all say what could not be done to what, and why */
export async function carryOut(
  context: ActivationContext,
  step: ActivationStep | CleanupStep,
): Promise<void> {
  switch (step.step) {
    case "directory":
      await putDirectory(context, step.path, await ownedAs(context, step));
      return;
    case "file":
      await carryOutFile(context, step);
      return;
    case "symlink":
      await putLink(context, step.path, filePath(step.target));
      return;
    case "remove":
      await remove(context, step.path);
      return;
    case "run":
      await runProgram(context, step as LoweredRunStep);
      return;
    case "current-system":
      await carryOutCurrentSystem(context);
      return;
    case "etc":
      await carryOutEtc(context);
      return;
    case "accounts":
      for (const warning of await updateAccounts(context, step as LoweredAccounts))
        context.log(`warning: ${warning}`);
      await makeSystemHomes(context, step.users);
      return;
    case "privileged-programs":
      await installPrivilegedPrograms(context, step.programs, context.log);
      return;
    case "cleanup":
      await cleanUp(context, context.log);
      return;
    default:
      // Of a later version than ours.
      throw new Error(`unknown step "${(step as { readonly step: string }).step}"`);
  }
}

/** Owner and group as numbers: with an owner and no group it is the owner's. */
async function ownedAs(root: Root, { mode, owner, group }: Ownership): Promise<Owned> {
  if (owner === undefined && group === undefined) return { mode };
  const accounts = await readAccounts(root);
  const user = owner === undefined ? undefined : uidOf(owner, accounts);
  return { mode, uid: user?.uid, gid: group === undefined ? user?.gid : gidOf(group, accounts) };
}

async function carryOutFile(root: Root, step: FileStep): Promise<void> {
  const { mode, uid, gid } = await ownedAs(root, step);
  const us = ourselves();
  await putFile(root, step.path, {
    contents:
      step.source === undefined ? (step.contents ?? "") : await contentsAtEnd(root, filePath(step.source)),
    mode: mode ?? 0o644,
    uid: uid ?? us.uid,
    gid: gid ?? us.gid,
  });
}

async function carryOutCurrentSystem(context: ActivationContext): Promise<void> {
  await putDirectory(context, "/var/run", {});
  await touch(context, "/var/run/utmpx");
  await putDirectory(context, "/var/log", {});
  await touch(context, "/var/log/wtmp");
  await putLink(context, "/run/current-system", context.systemName);
}

/** An empty file, where none is. */
async function touch(root: Root, path: string): Promise<void> {
  await inPlace(root, path, {}, async (directory, name) => {
    if ((await directory.status(name)) !== undefined) return;
    const handle = await directory.createFile(name);
    try {
      await explained(path, handle.chmod(0o644));
    } finally {
      await handle.close();
    }
  });
}

async function carryOutEtc(context: ActivationContext): Promise<void> {
  await within(Directory.open(context.systemDirectory), async (system) => {
    if ((await system.status("etc")) === undefined) return;
    await within(
      system.enter("etc"),
      async (etc) => await installEtc(context, etc, `${context.systemName}/etc`),
    );
  });
}
