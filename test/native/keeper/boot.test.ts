// Mounting what a machine lacks. The keeper does it as PID 1 of the initial namespace only, so the function is called alone,
// in a root directory and a mount namespace of its own.

import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { project } from "../../support/project.js";
import { run } from "../../support/run.js";
import { skip } from "./bed.js";

const harness = `
#include <stdio.h>
#include <unistd.h>
void mount_essentials(void);
int main(int argc, char **argv) {
  if (argc != 2 || chroot(argv[1]) < 0 || chdir("/") < 0)
    return 1;
  mount_essentials();
  mount_essentials(); // finds all of it there
  FILE *mounts = fopen("/proc/self/mounts", "r");
  for (int c; mounts != NULL && (c = getc(mounts)) != EOF;)
    putchar(c);
  return mounts == NULL;
}`;

const expected = [
  "proc /proc",
  "sysfs /sys",
  "devtmpfs /dev",
  "devpts /dev/pts",
  "tmpfs /dev/shm",
  "tmpfs /run",
  "cgroup2 /sys/fs/cgroup",
];

describe("mounting the essentials", { skip }, () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), "keeper-boot-"));
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  it("mounts what is missing, once, with the flags that are due", async () => {
    const root = join(directory, "root");
    mkdirSync(root);
    writeFileSync(join(directory, "harness.c"), harness);
    const native = join(project.root, "native");
    const program = join(directory, "harness");
    const sources = [
      join(directory, "harness.c"),
      join(native, "keeper", "mounts.c"),
      join(native, "keeper", "report.c"),
    ];
    const options = ["-std=c11", "-D_GNU_SOURCE", "-I", join(native, "common"), "-o", program];
    const compiled = await run("cc", [...options, ...sources]);
    assert.equal(compiled.status, 0, compiled.stderr);
    const { status, stdout, stderr } = await run("unshare", [
      "--mount",
      "--pid",
      "--fork",
      "--kill-child",
      program,
      root,
    ]);
    assert.equal(status, 0, stderr);
    const mounts = stdout
      .trim()
      .split("\n")
      .map((line) => line.split(" ").slice(1, 4));
    const found = mounts.map(([path, type]) => `${type} ${path}`);
    assert.deepEqual(found, expected);
    assert.match(mounts[0]?.[2] ?? "", /nosuid,nodev,noexec/);
  });
});
