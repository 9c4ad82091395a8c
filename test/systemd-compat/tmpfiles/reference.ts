// systemd's own programs for the files of tmpfiles.d and sysusers.d, where this machine has them.

import { execFileSync, spawnSync } from "node:child_process";

/** Why a test cannot compare with one of them; false where it can. */
export function whyNoReference(program: "systemd-tmpfiles" | "systemd-sysusers"): string | false {
  if (process.geteuid?.() !== 0) return "only root can give files to others";
  const { stdout, status } = spawnSync(program, ["--version"], { encoding: "utf8" });
  if (status !== 0 || !/^systemd \d/.test(stdout)) return `there is no ${program} of systemd's`;
  return false;
}

/** Runs it over another root, and gives its exit status. */
export function runReference(program: string, root: string, options: readonly string[]): number | null {
  return spawnSync(program, [`--root=${root}`, ...options], { stdio: "ignore" }).status;
}

/** Runs a script in a directory. */
export function setUp(root: string, script: string): void {
  execFileSync("/bin/sh", ["-e", "-c", script], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
}
