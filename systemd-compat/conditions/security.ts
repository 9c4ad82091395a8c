// Security frameworks of the kernel and the firmware that are in use.

import type { SystemView } from "./view.js";

type Probe = (view: SystemView) => Promise<boolean>;

const there =
  (path: string): Probe =>
  async (view) =>
    (await view.status(path, true)) !== undefined;

const probes: Readonly<Record<string, Probe>> = {
  selinux: async (view) => (await view.status("/sys/fs/selinux/enforce", true)) !== undefined,
  smack: there("/sys/fs/smackfs"),
  tomoyo: there("/sys/kernel/security/tomoyo/version"),
  ima: there("/sys/kernel/security/ima"),
  apparmor: async (view) =>
    (await view.text("/sys/module/apparmor/parameters/enabled"))?.startsWith("Y") === true,
  audit: async (view) => (await view.status("/proc/self/loginuid", true)) !== undefined,
  "uefi-secureboot": async (view) => {
    const variable = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c";
    // Four bytes of attributes come before the one that says it.
    return (await view.text(variable))?.charCodeAt(4) === 1;
  },
  tpm2: async (view) => ((await view.list("/sys/class/tpmrm")) ?? []).length > 0,
};

/** Whether a framework of this name is in use; one that is not known is not. */
export async function isSecured(name: string, view: SystemView): Promise<boolean> {
  return Object.hasOwn(probes, name) && (await probes[name]?.(view)) === true;
}
