// The npm package in a system that has Node and nothing else, installed in each way that it can be, with and without a compiler.
// As a program, it packs it and prints what is typed and said:
//
//   npm run acceptance:package

import assert from "node:assert/strict";
import { findDebian } from "../support/debian.js";
import { type BareSystem, pack, startBareSystem } from "../support/package.js";

/** What a compiler takes; the small Debian has them downloaded, and not installed. */
export const toolchain = ["gcc", "libc6-dev", "make"] as const;

const installation = "npm install --global --no-audit --no-fund /package.tgz";
const compiler = `dpkg --install --recursive /var/cache/apt/archives >/dev/null 2>&1`;
const where = "echo $(readlink -f $(dirname $(readlink -f $(command -v shepherd)))/../dist)";

export interface Scenario {
  readonly name: string;
  /** What `uname -m` says, if not the truth: a machine that the package has no programs for. */
  readonly machine?: string;
  /** Installs the package, and says by which programs it runs. */
  install(system: BareSystem): Promise<void>;
  /** The folder of the programs, in dist/; undefined where it is not to boot. */
  readonly programs?: string;
}

export const scenarios: readonly Scenario[] = [
  {
    name: "without a compiler, the programs that it brings",
    install: async (system) => void (await system.shell(installation)),
    programs: `linux-${process.arch === "arm64" ? "aarch64" : "x86_64"}`,
  },
  {
    name: "without its scripts, too",
    install: async (system) => {
      await system.shell(`${installation} --ignore-scripts`);
      assert.notEqual((await system.run(`test -e $(${where})/native`)).status, 0);
    },
    programs: `linux-${process.arch === "arm64" ? "aarch64" : "x86_64"}`,
  },
  {
    name: "for another machine without a compiler: what to install",
    machine: "riscv64",
    install: async (system) => {
      const { status, stderr } = await system.run(installation);
      assert.notEqual(status, 0);
      assert.match(stderr, /no programs that run on this machine \(riscv64\).*for want of: make cc/);
      assert.match(stderr, /apt-get install gcc make libc6-dev/);
    },
  },
  {
    name: "for another machine with a compiler: built from its sources",
    machine: "riscv64",
    install: async (system) => {
      await system.shell(compiler);
      await system.shell(installation);
    },
    programs: "native",
  },
  {
    name: "with a compiler and no trust in programs of others",
    install: async (system) => {
      await system.shell(compiler);
      await system.shell(`SHEPHERD_BUILD_FROM_SOURCE=1 ${installation}`);
    },
    programs: "native",
  },
];

/** What the installed system does, as PID 1. */
export async function use(system: BareSystem, programs: string): Promise<void> {
  await system.boot();
  const dist = (await system.shell(where)).trim();
  assert.equal(await system.shell("readlink /proc/1/exe"), `${dist}/${programs}/keeper\n`);
  await system.shell("herd restart sleeper");
  assert.match(await system.shell("herd status sleeper"), /It is running/);
  // The log writer and the helper are of the same folder.
  const running = await system.shell("for each in /proc/[0-9]*; do readlink $each/exe || :; done");
  assert.ok(running.includes(`${dist}/${programs}/logwriter`), running);
  const daemon = async (): Promise<string> =>
    (
      await system.shell(`for each in /proc/[0-9]*; do
        ! grep -qz shepherd.cjs $each/cmdline || ! grep -q 'PPid:.1$' $each/status || basename $each
      done`)
    ).trim();
  const before = await daemon();
  // Once it is idle, it keeps what V8 has compiled, and gives back memory by a module of the same folder.
  await system.waitFor("its code is kept", "ls /var/cache/shepherd-ts/supervisor-*.code");
  await system.waitFor(
    "its memory is given back",
    `grep -m1 ${dist}/${programs}/trim.node /proc/${before}/maps`,
  );
  await system.shell(`kill -KILL ${before}`);
  await system.waitFor(
    `another daemon than ${before} answers`,
    `! test -e /proc/${before} && herd status sleeper | grep 'It is running'`,
  );
  assert.notEqual(await daemon(), before);
  assert.match(await system.shell("herd upgrade keeper"), /runs the program that is on disk now/);
}

if (process.argv[1] === import.meta.filename) {
  const debian = await findDebian(toolchain);
  if (typeof debian === "string") throw new Error(debian);
  const ends: (() => void | Promise<void>)[] = [];
  const scope = { after: (end: () => void | Promise<void>) => void ends.push(end) };
  try {
    const made = await pack(scope);
    for (const { name, machine, install, programs } of scenarios) {
      process.stdout.write(`# ${name}\n`);
      const system = await startBareSystem(scope, made, debian.root, machine);
      system.onCommand((command, said) => process.stdout.write(`$ ${command}\n${said}`));
      await install(system);
      if (programs !== undefined) await use(system, programs);
      await system.root.destroy();
    }
  } finally {
    for (const end of ends.reverse()) await end();
  }
}
