// The comparison with rivals as a command: builds the helper, runs everything, prints the tables, and leaves nothing behind.

import { execFileSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir } from "node:os";
import { join } from "node:path";
import { project } from "../test/support/project.js";
import { compare, type Outcome } from "./compare.js";
import type { BenchOptions } from "./experiments/experiment.js";
import { experiments } from "./experiments/index.js";
import type { Life } from "./life.js";
import { checkNames } from "./options.js";
import { limits, ours, rivals, whyAbsent } from "./peers/index.js";
import { scaling } from "./scaling.js";
import { comparison, everyPeer, type PeerKinds } from "./table.js";

const all = [...limits, ...ours, ...rivals];

const kinds: PeerKinds = {
  ours: ours.map(({ name }) => name),
  limits: limits.map(({ name }) => name),
  incomparable: (peer, metric) =>
    metric.startsWith("log,") &&
    rivals.some(({ name, logsNothing }) => name === peer && logsNothing === true),
};

export async function compareWithRivals(options: BenchOptions): Promise<void> {
  const experimentNames = experiments.map(({ name }) => name);
  checkNames("--only", options.only ?? [], experimentNames);
  checkNames(
    "--peers",
    options.peers ?? [],
    all.map(({ name }) => name),
  );
  if (process.getuid?.() !== 0) throw new Error("the bench makes cgroups and namespaces: run it as root");

  const wanted = all.filter(({ name }) => options.peers?.includes(name) ?? true);
  const absent = wanted.flatMap((peer) => {
    const why = whyAbsent(peer);
    return why === undefined ? [] : [`${peer.name}: absent, ${why}`];
  });
  for (const line of absent) process.stderr.write(`${line}\n`);
  const peers = wanted.filter(
    (peer) => whyAbsent(peer) === undefined && !(options.quick && peer.slow === true),
  );

  // In memory: no disk is to be measured.
  const directory = mkdtempSync(join(existsSync("/dev/shm") ? "/dev/shm" : tmpdir(), "bench-"));
  let current: Life | undefined;
  const leave = (): void => rmSync(directory, { recursive: true, force: true, maxRetries: 10 });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.once(signal, () => {
      void (current?.close() ?? Promise.resolve()).finally(() => {
        leave();
        process.exit(1);
      });
    });
  try {
    execFileSync("chmod", ["755", directory]);
    const outcome = await compare({
      peers,
      workshop: { directory, helper: buildHelper(directory) },
      options,
      report: (line) => process.stderr.write(`${line}\n`),
      lives: (life) => {
        current = life;
      },
    });
    process.stdout.write(report(outcome, absent));
    if (options.json !== undefined)
      writeFileSync(
        options.json,
        `${JSON.stringify({ ...machine(), options, absent, ...outcome }, null, 1)}\n`,
      );
  } finally {
    leave();
  }
}

/** Static, so that it adds as little as possible to the processes that it stamps. */
function buildHelper(directory: string): string {
  const program = join(directory, "bench-helper");
  const source = join(project.root, "bench", "helper.c");
  execFileSync(process.env.CC ?? "cc", ["-O2", "-static", "-o", program, source], { stdio: "inherit" });
  return program;
}

function machine(): {
  readonly processors: number;
  readonly kernel: string;
  readonly node: string;
  readonly load: number;
} {
  return { processors: cpus().length, kernel: release(), node: process.version, load: loadavg()[0] ?? 0 };
}

function report({ samples, missing }: Outcome, absent: readonly string[]): string {
  const { processors, kernel, node, load } = machine();
  const growth = scaling(samples, (peer) => kinds.ours.includes(peer));
  const notes = [
    ...absent,
    ...missing
      .filter(({ peer, what }) => !samples.some((one) => one.peer === peer && what.includes(one.metric)))
      .map(({ peer, what, why }) => `${peer}, ${what}: ${why}`),
  ];
  return `
${processors} processors, Linux ${kernel}, Node ${node}, load ${load.toFixed(1)} at the end

✓ reaches its goal, ✗ misses it, ✗✗ misses twice of it; below 1 ours is the better.

${comparison(samples, kinds)}
${growth === undefined ? "" : `Cost of a service where there are more of them, 1 is linear:\n\n${growth}\n`}Medians of every peer:

${everyPeer(samples)}
${notes.map((note) => `* ${note.replaceAll("\n", " ")}\n`).join("")}`;
}
