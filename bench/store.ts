// How many requests per second the store client makes, beside a raw client in Python, and what memory it takes.

import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import {
  addTextToStore,
  closeConnection,
  openConnection,
  type StoreConnection,
  validPath,
} from "../src/store/index.js";
import { startNixDaemon, withoutNix } from "../test/store/nix-daemon.js";
import { residentMemory } from "../test/support/processes.js";
import { project } from "../test/support/project.js";
import { median } from "./measure.js";

const calls = 10_000;
const rounds = 15;

export async function store(): Promise<void> {
  if (withoutNix !== false) {
    process.stdout.write(`skipped: ${withoutNix}\n`);
    return;
  }
  const daemon = await startNixDaemon();
  const pythons: PythonClient[] = [];
  try {
    const connection = await openConnection(daemon.socket, { storeDirectory: daemon.storeDirectory });
    const path = await addTextToStore(connection, "hello.txt", "Hello, store!\n");
    const [words, buffer] = ["words", "buffer"].map((how) => {
      const client = new PythonClient(daemon.socket, path, how);
      pythons.push(client);
      return client;
    });
    await compare({
      "ours, each awaited": () => sequential(connection, path),
      "ours, made at once": () => queued(connection, path),
      "Python, word by word": async () => words?.measure() ?? Number.NaN,
      "Python, with a buffer": async () => buffer?.measure() ?? Number.NaN,
    });
    await closeConnection(connection);
  } finally {
    for (const client of pythons) await client.stop();
    await daemon.stop();
  }
}

/** All in turn, round after round: what else the machine does is about the same for all of a round. */
async function compare(clients: Readonly<Record<string, () => Promise<number>>>): Promise<void> {
  const results: Readonly<Record<string, number>>[] = [];
  const memory = [memoryInUse()];
  for (let round = 0; round < rounds; round++) {
    const rates: Record<string, number> = {};
    for (const [name, measure] of Object.entries(clients)) rates[name] = await measure();
    results.push(rates);
    if (round === 0 || round === rounds - 1) memory.push(memoryInUse());
  }
  const [ours = ""] = Object.keys(clients);
  process.stdout.write(`${calls} calls of validPath in each of ${rounds} rounds; requests per second\n`);
  for (const name of Object.keys(clients)) {
    const rates = results.map((rate) => rate[name] ?? Number.NaN);
    const ratios = results.map((rate) => (rate[ours] ?? Number.NaN) / (rate[name] ?? Number.NaN));
    const [least, middle, most] = [Math.min(...rates), median(rates), Math.max(...rates)].map((rate) =>
      rate.toFixed(0),
    );
    process.stdout.write(
      `  ${name.padEnd(26)} least ${least}, median ${middle}, most ${most}; ours by this ${median(ratios).toFixed(2)}\n`,
    );
  }
  const [before, first, last] = memory;
  for (const [when, value] of [
    ["before", before],
    ["after the first round", first],
    ["after the last", last],
  ] as const)
    process.stdout.write(`  memory ${when}: ${value?.heap} KiB in use, ${value?.resident} KiB resident\n`);
}

/** In KiB, when what is not needed any more has been let go. */
function memoryInUse(): { readonly heap: number; readonly resident: number } {
  collect();
  return { heap: Math.round(process.memoryUsage().heapUsed / 1024), resident: residentMemory(process.pid) };
}

/** What `node --expose-gc` has. */
setFlagsFromString("--expose-gc");
const collect = runInNewContext("gc") as () => void;

async function sequential(connection: StoreConnection, path: string): Promise<number> {
  const begin = performance.now();
  for (let call = 0; call < calls; call++) await validPath(connection, path);
  return perSecond(begin);
}

async function queued(connection: StoreConnection, path: string): Promise<number> {
  const begin = performance.now();
  await Promise.all(Array.from({ length: calls }, () => validPath(connection, path)));
  return perSecond(begin);
}

const perSecond = (begin: number): number => (calls * 1000) / (performance.now() - begin);

class PythonClient {
  readonly #child: ChildProcessWithoutNullStreams;
  readonly #lines: AsyncIterator<string>;

  constructor(socket: string, path: string, how: string) {
    const script = join(project.root, "bench", "store-client.py");
    this.#child = spawn("python3", [script, socket, path, how]);
    this.#child.stderr.pipe(process.stderr);
    this.#lines = createInterface(this.#child.stdout)[Symbol.asyncIterator]();
  }

  async measure(): Promise<number> {
    this.#child.stdin.write(`${calls}\n`);
    const { value, done } = await this.#lines.next();
    if (done === true) throw new Error("the client in Python has ended");
    return Number(value);
  }

  async stop(): Promise<void> {
    const ended = once(this.#child, "exit");
    this.#child.stdin.end();
    await ended;
  }
}
