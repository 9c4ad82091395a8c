// Whether the system is a container or a virtual machine, and of which kind, from what these leave to be seen.

import type { SystemView } from "./view.js";

export interface Virtualization {
  readonly kind: "container" | "vm";
  /** In systemd's words: `docker`, `lxc`, `kvm`. */
  readonly name: string;
}

/** Containers first: one in a virtual machine is a container. Undefined on plain hardware. */
export async function virtualizationOf(view: SystemView): Promise<Virtualization | undefined> {
  const container = await containerOf(view);
  if (container !== undefined) return { kind: "container", name: container };
  const machine = await machineOf(view);
  return machine === undefined ? undefined : { kind: "vm", name: machine };
}

const containerNames = [
  "openvz",
  "lxc",
  "lxc-libvirt",
  "systemd-nspawn",
  "docker",
  "podman",
  "rkt",
  "wsl",
  "proot",
  "pouch",
];
async function containerOf(view: SystemView): Promise<string | undefined> {
  const release = (await view.text("/proc/sys/kernel/osrelease")) ?? "";
  if (/Microsoft|WSL/.test(release)) return "wsl";
  if (
    (await view.status("/proc/vz", true)) !== undefined &&
    (await view.status("/proc/bc", true)) === undefined
  )
    return "openvz";
  const manager =
    (await firstLine(view, "/run/host/container-manager")) ??
    (await firstLine(view, "/run/systemd/container"));
  if (manager !== undefined) return nameOf(manager);
  const environment = (await view.text("/proc/1/environ")) ?? "";
  const [, told] = /(?:^|\0)container=([^\0]+)/.exec(environment) ?? [];
  // Ours, too, is told by whoever started it.
  const name = told ?? view.environment.container;
  if (name !== undefined && name !== "") return nameOf(name);
  if ((await view.status("/run/.containerenv", true)) !== undefined) return "podman";
  return (await view.status("/.dockerenv", true)) === undefined ? undefined : "docker";
}

async function firstLine(view: SystemView, file: string): Promise<string | undefined> {
  const [line = ""] = ((await view.text(file)) ?? "").split("\n", 1);
  return line === "" ? undefined : line;
}

function nameOf(told: string): string {
  if (told === "oci") return "docker";
  return containerNames.includes(told) ? told : "container-other";
}

const vendors: readonly (readonly [file: string, text: string, name: string])[] = [
  ["sys_vendor", "Amazon EC2", "amazon"],
  ["product_name", "KVM", "kvm"],
  ["product_name", "Google Compute Engine", "google"],
  ["sys_vendor", "QEMU", "qemu"],
  ["sys_vendor", "VMware", "vmware"],
  ["sys_vendor", "VMW", "vmware"],
  ["board_vendor", "innotek GmbH", "oracle"],
  ["bios_vendor", "innotek GmbH", "oracle"],
  ["sys_vendor", "Oracle Corporation", "oracle"],
  ["sys_vendor", "Xen", "xen"],
  ["bios_vendor", "Bochs", "bochs"],
  ["sys_vendor", "Parallels", "parallels"],
  ["sys_vendor", "BHYVE", "bhyve"],
  ["product_version", "Hyper-V", "microsoft"],
  ["sys_vendor", "Apple Virtualization", "apple"],
];

async function machineOf(view: SystemView): Promise<string | undefined> {
  for (const [file, text, name] of vendors)
    if (((await view.text(`/sys/class/dmi/id/${file}`)) ?? "").startsWith(text)) return name;
  const hypervisor = await firstLine(view, "/sys/hypervisor/type");
  if (hypervisor === "xen") return "xen";
  const processors = (await view.text("/proc/cpuinfo")) ?? "";
  if (/User Mode Linux/.test(processors)) return "uml";
  // That there is a hypervisor is all that the processor's flags tell.
  return /^flags\s*:.*\bhypervisor\b/m.test(processors) ? "vm-other" : undefined;
}

/** Whether user ids are not those of the machine: the first user namespace has all of them. */
export async function hasPrivateUsers(view: SystemView): Promise<boolean> {
  const [line = ""] = ((await view.text("/proc/self/uid_map")) ?? "").split("\n");
  const numbers = line.trim().split(/\s+/);
  return line !== "" && numbers.join(" ") !== "0 0 4294967295";
}
