// Small inits that only start one program and reap.

import type { Command, Configured, Peer } from "./peer.js";

const reaper = (name: string, program: string, words: readonly string[]): Peer => ({
  name,
  programs: [program],
  orders: false,
  only: ["reap"],
  configure: (ground, services): Configured => {
    const [first] = services;
    if (first === undefined) throw new Error(`${name} runs one program, and there is none`);
    const nothing: Command = ["true"];
    return {
      daemon: [ground.program(program), ...words, ...first.command],
      status: () => nothing,
      list: nothing,
      stop: (root) => ["kill", String(root)],
    };
  },
});

export const tini = reaper("tini", "tini", ["--"]);
export const dumbInit = reaper("dumb-init", "dumb-init", []);
