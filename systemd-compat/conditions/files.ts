// Conditions about files.

import { parseBoolean } from "../parser/number.js";
import { commandLineValue } from "./command-line.js";
import { anyMatches } from "./glob.js";
import { isMountPoint, mountOf } from "./mounts.js";
import type { SystemView } from "./view.js";

export type Evaluator = (parameter: string, view: SystemView) => Promise<boolean>;

export const fileEvaluators = {
  PathExists: async (path, view) => (await view.status(path, true)) !== undefined,
  PathExistsGlob: (pattern, view) => anyMatches(pattern, view),
  PathIsDirectory: async (path, view) => (await view.status(path, true))?.type === "directory",
  PathIsSymbolicLink: async (path, view) => (await view.status(path, false))?.type === "link",
  PathIsMountPoint: (path, view) => isMountPoint(path, view),
  PathIsReadWrite: async (path, view) => (await mountOf(path, view))?.readOnly === false,
  PathIsEncrypted: isEncrypted,
  DirectoryNotEmpty: async (path, view) => ((await view.list(path)) ?? []).some((name) => !isHidden(name)),
  FileNotEmpty: async (path, view) => {
    const status = await view.status(path, true);
    return status?.type === "file" && status.size > 0;
  },
  FileIsExecutable: async (path, view) => {
    const status = await view.status(path, true);
    return status?.type === "file" && (status.mode & 0o111) !== 0;
  },
  NeedsUpdate: needsUpdate,
} as const satisfies Readonly<Record<string, Evaluator>>;

/** Hidden files and those that editors and package managers leave behind. */
function isHidden(name: string): boolean {
  if (name.startsWith(".") || name.endsWith("~")) return true;
  return /\.(?:rpmnew|rpmsave|rpmorig|dpkg-old|dpkg-new|dpkg-tmp|dpkg-dist|dpkg-bak|dpkg-backup|dpkg-remove|ucf-new|ucf-old|ucf-dist|swp|bak|old|new)$/.test(
    name,
  );
}

/** Whether the block device below a path is one of dm-crypt. */
async function isEncrypted(path: string, view: SystemView): Promise<boolean> {
  const mount = await mountOf(path, view);
  const uuid = mount === undefined ? undefined : await view.text(`/sys/dev/block/${mount.device}/dm/uuid`);
  return uuid?.startsWith("CRYPT-") === true;
}

/** Whether /usr has changed since /etc or /var was last brought up to date with it. */
async function needsUpdate(path: string, view: SystemView): Promise<boolean> {
  const forced = await commandLineValue(view, "systemd.condition-needs-update");
  if (forced !== undefined) {
    const flag = forced === "" ? true : parseBoolean(forced);
    if (flag !== undefined) return flag;
    if (!forced.startsWith("/")) return false;
    return forced === path;
  }
  if (path !== "/etc" && path !== "/var") return false;
  const mount = await mountOf(path, view);
  if (mount === undefined || mount.readOnly) return false;
  const usr = await view.status("/usr", true);
  const updated = await view.status(`${path}/.updated`, false);
  if (usr === undefined) return false;
  return updated === undefined || usr.modified > updated.modified;
}
