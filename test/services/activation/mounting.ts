// Run in a mount namespace of its own: mounts what container runtimes mount, boots the system of a test, and prints what has
// become of it.

import { execFileSync } from "node:child_process";
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { boot } from "../../../src/services/activation/activate.js";

const [root = ""] = process.argv.slice(2);
const path = (name: string): string => join(root, name);

function bind(from: string, to: string): void {
  execFileSync("mount", ["--bind", path(from), path(to)]);
}

mkdirSync(path("runtime"));
writeFileSync(path("runtime/hosts"), "the runtime's, longer than ours\n".repeat(100));
writeFileSync(path("etc/hosts"), "");
bind("runtime/hosts", "etc/hosts");
// On the same device as what is around it.
mkdirSync(path("runtime/secrets"));
writeFileSync(path("runtime/secrets/key"), "");
mkdirSync(path("run/secrets"));
bind("runtime/secrets", "run/secrets");
mkdirSync(path("runtime/mounted"));
writeFileSync(path("runtime/mounted/file"), "");
mkdirSync(path("tmp/a/b/mounted"), { recursive: true });
writeFileSync(path("tmp/a/file"), "");
bind("runtime/mounted", "tmp/a/b/mounted");

const before = statSync(path("etc/hosts"));
const lines: string[] = [];
// As the first process, which we are here, it cleans up without being told to.
const { failures } = await boot(path("system"), { root, log: (line) => lines.push(line) });
const after = statSync(path("etc/hosts"));
console.log(
  JSON.stringify({
    lines,
    failures,
    hosts: readFileSync(path("runtime/hosts"), "utf8"),
    same: before.ino === after.ino,
    secrets: readdirSync(path("run/secrets")),
    run: readdirSync(path("run")).sort(),
    deep: [...readdirSync(path("tmp/a/b")), ...readdirSync(path("tmp/a")).filter((name) => name !== "b")],
  }),
);
