// The machine's only file system: Node, our programs, busybox and a configuration, and none of the directories that
// the keeper is to mount.

import { chmod, mkdtemp, open, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { project } from "../support/project.js";
import { run } from "../support/run.js";
import { archive, type Entry } from "./cpio.js";

/** Where the project is inside. */
export const installation = "/usr/lib/shepherd-ts";
export const node = "/usr/bin/node";

const applets = ["sh", "cat", "dirname", "grep", "kill", "ls", "ps", "readlink", "sleep", "stat", "stty"];

/** Commands for the machine come over its second serial line: one per line, answered by output, RS and the status. */
const agent = `exec </dev/ttyS1 >/dev/ttyS1 2>&1
stty 115200 raw -echo
export NO_COLOR=1
printf '\\036ready\\n'
while IFS= read -r command; do
  sh -c "$command" </dev/null
  printf '\\036%d\\n' $?
done
`;

/** Writes the image to `file`. The configuration, /etc/shepherd.ts, should start /etc/agent. */
export async function writeImage(file: string, configuration: string): Promise<void> {
  const text = (data: string, mode = 0o644): Entry => ({ kind: "file", data: Buffer.from(data), mode });
  const link = (target: string): Entry => ({ kind: "link", target });
  const entries = new Map<string, Entry>([
    ["/init", link(`${installation}/dist/native/keeper`)],
    ["/etc/shepherd.ts", text(configuration)],
    ["/etc/agent", text(agent)],
    ["/usr/bin/shepherd", link(`${installation}/bin/shepherd`)],
    ["/usr/bin/herd", link(`${installation}/bin/herd`)],
    ["/bin/busybox", await copy("/bin/busybox")],
    ...applets.map((name): [string, Entry] => [`/bin/${name}`, link("busybox")]),
    ["/tmp", { kind: "directory", mode: 0o1777 }],
    [node, await stripped(process.execPath)],
    ...(await sharedLibraries(process.execPath)),
  ]);
  // The compiler of configurations needs esbuild, whose program is a package of its own.
  for (const folder of [
    "bin",
    "dist",
    "node_modules/esbuild/lib",
    `node_modules/@esbuild/linux-${process.arch}`,
  ])
    await addFolder(entries, join(project.root, folder));
  await addFile(entries, join(project.root, "node_modules/esbuild/package.json"));

  const handle = await open(file, "w");
  try {
    for (const piece of archive(entries)) await handle.writeFile(piece);
  } finally {
    await handle.close();
  }
}

async function addFolder(entries: Map<string, Entry>, folder: string): Promise<void> {
  for (const found of await readdir(folder, { withFileTypes: true, recursive: true }))
    if (found.isFile()) await addFile(entries, join(found.parentPath, found.name));
}

async function addFile(entries: Map<string, Entry>, file: string): Promise<void> {
  entries.set(join(installation, relative(project.root, file)), await copy(file));
}

async function copy(file: string): Promise<Entry> {
  return { kind: "file", data: await readFile(file), mode: (await stat(file)).mode & 0o777 };
}

/** Without its symbols a Node is a fifth smaller, and the image is unpacked at each boot. */
async function stripped(program: string): Promise<Entry> {
  const directory = await mkdtemp(join(tmpdir(), "shepherd-strip-"));
  try {
    const result = join(directory, "stripped");
    const { status, stderr } = await run("strip", ["-o", result, program]);
    if (status !== 0) throw new Error(`strip ${program}: ${stderr}`);
    await chmod(result, 0o755);
    return await copy(result);
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Under the very names by which the loader asks for them. */
async function sharedLibraries(program: string): Promise<[string, Entry][]> {
  const { status, stdout, stderr } = await run("ldd", [program]);
  if (status !== 0) throw new Error(`ldd ${program}: ${stderr}`);
  const files = [...stdout.matchAll(/(?:=> |^\s*)(\/\S+) \(0x/gm)].flatMap(([, file]) => file ?? []);
  return await Promise.all(files.map(async (file): Promise<[string, Entry]> => [file, await copy(file)]));
}
