// Us: the keeper with its daemon, and the command `herd` as people type it; as it comes, with a record of the boot, and hibernating.

import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  realpathSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { project } from "../../test/support/project.js";
import type { BenchService, Configured, Ground, OwnProcess, Peer } from "./peer.js";

type Variant = { readonly record?: boolean; readonly hibernate?: boolean };

/** Seconds without anything to do after which the daemon goes. */
const hibernateAfter = 1;

const configure =
  ({ record = false, hibernate = false }: Variant) =>
  (ground: Ground, services: readonly BenchService[]): Configured => {
    const { directory } = ground;
    // The daemon refuses a directory that others can enter.
    mkdirSync(join(directory, "run"), { mode: 0o700 });
    const socket = join(directory, "run", "socket");
    const text = configuration(directory, services);
    const kept = join(ground.cache, "boot-record", basename(directory));
    const recordFile = join(kept, "record");
    const cache = join(ground.cache, "shepherd-ts");
    const config = record ? keep(kept, text) : ground.file("config.js", text);
    return {
      daemon: [
        join(project.dist, "native", "keeper"),
        ...(record ? [`--record=${recordFile}`] : []),
        "--",
        process.execPath,
        "--v8-pool-size=1",
        join(project.dist, "shepherd.cjs"),
        `--config=${config}`,
        `--socket=${socket}`,
        `--logfile=${join(directory, "shepherd.log")}`,
        ...(record ? [`--boot-record=${recordFile}`] : []),
        ...(hibernate ? [`--hibernate=${hibernateAfter}`] : []),
      ],
      environment: {
        XDG_CACHE_HOME: cache,
        XDG_STATE_HOME: join(directory, "state"),
        XDG_RUNTIME_DIR: join(directory, "run"),
        SHEPHERD_NODE: process.execPath,
      },
      status: (service) => herd(socket, "status", service),
      list: herd(socket, "status"),
      stop: () => herd(socket, "stop", "root"),
      logs: (service) => [join(directory, `${service}.log`)].filter(existsSync),
      ready: () => existsSync(socket),
      warmed: () => hasCode(cache) && (!record || existsSync(recordFile)),
      ...(hibernate ? { asleep: (processes) => !processes.some(isNode) } : {}),
    };
  };

/** Whether a supervisor that was idle has kept what V8 had compiled it to. */
function hasCode(cache: string): boolean {
  const directory = join(cache, "shepherd-ts");
  return existsSync(directory) && readdirSync(directory).some((name) => name.endsWith(".code"));
}

/** A record holds for a file that is the same one: inode and times are compared. */
function keep(directory: string, text: string): string {
  const file = join(directory, "config.js");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  if (!existsSync(file) || readFileSync(file, "utf8") !== text) writeFileSync(file, text);
  return file;
}

function isNode({ pid }: OwnProcess): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`) === realpathSync(process.execPath);
  } catch {
    return false;
  }
}

const herd = (socket: string, ...words: readonly string[]): [string, ...string[]] => [
  join(project.bin, "herd"),
  "-s",
  socket,
  ...words,
];

function configuration(directory: string, services: readonly BenchService[]): string {
  const definitions = services.map(({ name, command, needs, log }) => {
    const options = log ? `, { logFile: ${JSON.stringify(join(directory, `${name}.log`))} }` : "";
    return `service([${JSON.stringify(name)}], {
  requirement: ${JSON.stringify(needs)},
  start: makeForkexecConstructor(${JSON.stringify(command)}${options}),
  stop: makeKillDestructor(),
  respawn: true, respawnDelay: 0, respawnLimit: false,
})`;
  });
  return `import { defineConfig, makeForkexecConstructor, makeKillDestructor, service } from "shepherd-ts";
export default defineConfig({ services: [
${definitions.join(",\n")}
] });
`;
}

const common = {
  programs: [],
  orders: true,
  logging: "native writer, each line stamped",
  respawn: "respawnDelay: 0, respawnLimit: false",
  patience: 2,
  warms: true,
} as const;

export const shepherdTs: Peer = { ...common, name: "shepherd-ts", configure: configure({}) };

export const shepherdTsRecord: Peer = {
  ...common,
  name: "shepherd-ts+record",
  only: ["boot", "chain", "fan-in"],
  configure: configure({ record: true }),
};

export const shepherdTsHibernate: Peer = {
  ...common,
  name: "shepherd-ts+hibernate",
  only: ["hibernation"],
  configure: configure({ hibernate: true }),
};
