// systemctl, ours and systemd's own, over a root with units.

import { spawnSync } from "node:child_process";
import type { Output } from "../../../src/herd/output.js";
import { systemctl } from "../../../systemd-compat/shim/systemctl.js";

export interface Answer {
  readonly status: number | null;
  readonly output: string;
  /** Lines on standard error, sorted. */
  readonly errors: readonly string[];
}

const answerOf = (root: string, status: number | null, output: string, errors: string): Answer => ({
  status,
  output,
  // Names of files are those inside of the root.
  errors: errors.replaceAll(root, "").split("\n").filter(Boolean).sort(),
});

/** Debian's, whichever `systemctl` is first in PATH. */
export function reference(root: string, ...args: readonly string[]): Answer {
  const { status, stdout, stderr } = spawnSync("/bin/systemctl", [`--root=${root}`, ...args], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C.UTF-8" },
  });
  return answerOf(root, status, stdout, stderr);
}

/** Ours, in this process: a program of its own would take most of the time to start. */
export async function ours(root: string, ...args: readonly string[]): Promise<Answer> {
  const texts = { output: "", errors: "" };
  const into = (name: keyof typeof texts): Output => ({
    failure: undefined,
    isOpen: true,
    write: (text) => {
      texts[name] += text;
    },
  });
  const surroundings = { environment: {}, output: into("output"), errors: into("errors") };
  const status = await systemctl({ args: [`--root=${root}`, ...args], ...surroundings });
  return answerOf(root, status, texts.output, texts.errors);
}

/** Why there is no systemctl of systemd's; false where there is one. */
export function whyNoSystemctl(): string | false {
  const { stdout, status } = spawnSync("/bin/systemctl", ["--version"], { encoding: "utf8" });
  if (status !== 0 || !/^systemd 25\d \(25/.test(stdout)) return "there is no systemctl of systemd 25x";
  return process.geteuid?.() === 0 ? false : "only root may change links of the system";
}
