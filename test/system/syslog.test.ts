// --syslog: the log goes to a system logger, here a datagram socket of the test's own.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { it } from "node:test";
import { configuration, shell } from "../support/configuration.js";
import { bootSystem } from "../support/harness.js";
import { waitFor } from "../support/wait.js";

/** Node has no Unix datagrams, so a few lines of Python are the logger: it writes each datagram as a line. */
const logger = `
import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
out = open(sys.argv[2], "ab", buffering=0)
out.write(b"ready\\n")
while True:
    out.write(s.recv(65536) + b"\\n")
`;

it("--syslog sends each line to the system logger, with its name, number and priority", async (t) => {
  const directory = mkdtempSync(join(tmpdir(), "shepherd-syslog-"));
  const socket = join(directory, "log");
  const file = join(directory, "received");
  const process = spawn("python3", ["-c", logger, socket, file], { stdio: "ignore" });
  t.after(() => {
    process.kill("SIGKILL");
    rmSync(directory, { recursive: true, force: true });
  });
  const received = (): string => {
    try {
      return readFileSync(file, "utf8");
    } catch {
      return "";
    }
  };
  await waitFor("the logger listens", () => received() !== "");
  const system = await bootSystem(t, {
    config: configuration([`service(["web"], { start: ${shell("echo hello; exec sleep 1000000")} })`]),
    args: [`--syslog=${socket}`],
  });
  await waitFor("the service's line has arrived", () => / hello$/m.test(received()));
  assert.match(received(), /^<30>shepherd\[1\]: (\[sh\]|sh\[\d+\]) hello$/m);
  assert.match(received(), /^<30>shepherd\[1\]: Starting service web\.\.\.$/m);
  await system.stop();
  assert.match(received(), /^<30>shepherd\[1\]: Exiting\.$/m);
});

it("a system logger that is not there is an error in the log, which goes on elsewhere", async (t) => {
  const system = await bootSystem(t, { config: configuration([]), args: ["--syslog=/nonexistent/log"] });
  await system.waitFor("the error is told", () =>
    /cannot write the log: .*\/nonexistent\/log.*No such file/.test(system.stdout),
  );
});
