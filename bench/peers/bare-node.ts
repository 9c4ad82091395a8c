// `node -e 0` in place of a supervisor and of its client: what Node takes for nothing.

import type { Peer } from "./peer.js";

export const bareNode: Peer = {
  name: "node -e 0",
  programs: [],
  orders: false,
  only: ["boot", "status"],
  most: 1,
  configure: ({ helper, stamps }) => ({
    // The service is started by what Node runs for it, once it is up.
    daemon: [
      process.execPath,
      "-e",
      `require("node:child_process").spawn(${JSON.stringify(helper)}, ["stamp", ${JSON.stringify(stamps)}, "s0000", "/bin/sleep", "infinity"], { stdio: "ignore" })`,
    ],
    status: () => [process.execPath, "-e", "0"],
    list: [process.execPath, "-e", "0"],
    stop: (root) => ["kill", String(root)],
  }),
};
