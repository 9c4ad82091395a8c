// The npm package as others get it: packed from a copy of what it is made of, and installed in a small Debian that has Node and
// nothing else, whose PID 1 it then is.

import { spawnSync } from "node:child_process";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Scope } from "./harness.js";
import { type OwnRoot, startInOwnRoot } from "./own-root.js";
import { project } from "./project.js";
import { type Outcome, run } from "./run.js";

/** npm asks a registry, and a compiler takes its time. */
const PATIENCE = 300_000;

/** The machines whose programs can be built here, by the names of `uname -m`. */
export const machines = ["x86_64", "aarch64"].filter(
  (machine) => spawnSync(`${machine}-linux-gnu-gcc`, ["--version"]).status === 0,
);

export interface Package {
  /** The package's file. */
  readonly file: string;
  /** A directory over which a system has Node, npm, the file as /package.tgz, and all that it needs of a registry. */
  readonly system: string;
  /** What has npm take it from there. */
  readonly environment: NodeJS.ProcessEnv;
  /** A project that has it installed. */
  readonly consumer: string;
}

/** Rejects with what a program printed, if it failed. */
export async function succeed(program: string, args: readonly string[], cwd: string): Promise<string> {
  const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env;
  const { status, stdout, stderr } = await run(program, args, { cwd, env, timeout: PATIENCE });
  if (status !== 0) throw new Error(`${program} ${args.join(" ")}: exit ${status}\n${stdout}\n${stderr}`);
  return stdout;
}

/** Builds the programs that the package brings, from a copy of what it is made of; gives the copy. */
export async function prebuild(parent: string): Promise<string> {
  const sources = mkdtempSync(join(parent, "sources-"));
  const skipped = new Set(["node_modules", ".git", "test", "bench"].map((name) => join(project.root, name)));
  for (const name of readdirSync(project.root))
    if (name !== "build")
      cpSync(join(project.root, name), join(sources, name), {
        recursive: true,
        verbatimSymlinks: true,
        filter: (path) => !skipped.has(path),
      });
  for (const name of ["src", "systemd-compat"])
    cpSync(join(project.root, "build", name), join(sources, "build", name), { recursive: true });
  await succeed("env", [`MACHINES=${machines.join(" ")}`, "sh", "scripts/prebuilt.sh"], sources);
  return sources;
}

/** Packs it, and fetches what it depends on. */
export async function pack(scope: Scope): Promise<Package> {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-package-"));
  scope.after(() => rmSync(directory, { recursive: true, force: true }));
  const sources = await prebuild(directory);
  await succeed("npm", ["pack", "--ignore-scripts", "--pack-destination", directory], sources);
  const name = readdirSync(directory).find((each) => each.endsWith(".tgz"));
  if (name === undefined) throw new Error("npm pack has made no file");
  const [file, system, consumer] = [
    join(directory, name),
    join(directory, "system"),
    join(directory, "consumer"),
  ];
  mkdirSync(consumer);
  const cache = join(system, "npm-cache");
  await succeed("npm", ["init", "--yes"], consumer);
  await succeed("npm", ["install", "--no-audit", "--no-fund", `--cache=${cache}`, file], consumer);
  const registry = (await succeed("npm", ["config", "get", "registry"], consumer)).trim();
  copyFileSync(file, join(system, "package.tgz"));
  const npm = npmDirectory();
  mkdirSync(join(system, "usr/local/bin"), { recursive: true });
  copyFileSync(process.execPath, join(system, "usr/local/bin/node"));
  cpSync(npm, join(system, "usr/local/lib/node_modules/npm"), { recursive: true, verbatimSymlinks: true });
  rmSync(join(system, "usr/local/lib/node_modules/npm/npmrc"), { force: true });
  symlinkSync("../lib/node_modules/npm/bin/npm-cli.js", join(system, "usr/local/bin/npm"));
  return {
    file,
    system,
    consumer,
    environment: {
      PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
      HOME: "/root",
      npm_config_registry: registry,
      npm_config_cache: "/npm-cache",
      npm_config_offline: "true",
    },
  };
}

/** Where npm is, whose command is a link into it. */
function npmDirectory(): string {
  for (const directory of (process.env.PATH ?? "").split(":")) {
    const command = join(directory, "npm");
    if (existsSync(command)) return dirname(dirname(realpathSync(command)));
  }
  throw new Error("npm is not in PATH");
}

/** What PID 1 waits with until the package is installed: then it is shepherd. */
const first = `#!/bin/sh
until [ -e /run/installed ]; do sleep 0.05; done
unset SHEPHERD_NODE
exec shepherd --config=/etc/shepherd.ts
`;

const configuration = `import { defineConfig, makeForkexecConstructor, service } from "shepherd-ts";
import { serviceType } from "shepherd-ts/system";

export default defineConfig({
  services: [
    service(["sleeper"], {
      documentation: "Sleep, whatever " + typeof serviceType + " is.",
      start: makeForkexecConstructor(["/bin/sleep", "infinity"]),
    }),
  ],
});
`;

/** A small Debian over which the package is laid: its PID 1 waits for `boot`. */
export class BareSystem {
  readonly root: OwnRoot;
  readonly #environment: NodeJS.ProcessEnv;
  #show: (command: string, said: string) => void = () => {};

  constructor(root: OwnRoot, environment: NodeJS.ProcessEnv) {
    this.root = root;
    this.#environment = environment;
  }

  /** Has what is run shown to somebody. */
  onCommand(show: (command: string, said: string) => void): void {
    this.#show = show;
  }

  /** Runs a shell's command, with none of the tests' own programs in sight. */
  async run(command: string): Promise<Outcome> {
    const outcome = await this.#run(command);
    this.#show(command, outcome.stdout + outcome.stderr);
    return outcome;
  }

  /** Waits until a shell's command succeeds, which is shown only then. */
  async waitFor(what: string, command: string): Promise<void> {
    const outcome = await this.root.waitFor(what, async () => {
      const tried = await this.#run(command);
      return tried.status === 0 && tried;
    });
    this.#show(command, outcome.stdout + outcome.stderr);
  }

  #run(command: string): Promise<Outcome> {
    return this.root.run(["sh", "-c", command], { env: this.#environment, timeout: PATIENCE });
  }

  /** As `run`, for what must succeed: what it printed. */
  async shell(command: string): Promise<string> {
    const { status, stdout, stderr } = await this.run(command);
    if (status !== 0)
      throw new Error(`${command}: exit ${status}\n${stdout}${stderr}\n${this.root.explain()}`);
    return stdout + stderr;
  }

  /** Has PID 1 become shepherd, and waits until it has services. */
  async boot(): Promise<void> {
    await this.shell("touch /run/installed");
    await this.waitFor("its configuration is read", "herd status | grep sleeper");
  }
}

/** @param machine what `uname -m` is to say, if not the truth */
export async function startBareSystem(
  scope: Scope,
  { system, environment }: Package,
  debian: string,
  machine?: string,
): Promise<BareSystem> {
  const root = await startInOwnRoot(scope, {
    over: `${system}:${debian}`,
    command: ["/first"],
    files: {
      "/first": { text: first, mode: 0o755 },
      "/etc/shepherd.ts": { text: configuration },
      ...(machine === undefined
        ? {}
        : { "/usr/local/sbin/uname": { text: `#!/bin/sh\necho ${machine}\n`, mode: 0o755 } }),
    },
  });
  return new BareSystem(root, environment);
}
