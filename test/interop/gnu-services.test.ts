// GNU herd with Shepherd's own services: what it sends as keywords is understood, and it shows what our herd shows.

import assert from "node:assert/strict";
import { it } from "node:test";
import { findGnuShepherd } from "../support/gnu-shepherd.js";
import { bootSystem } from "../support/harness.js";
import type { Outcome } from "../support/run.js";
import { gnuHerd } from "./gnu-client.js";

const found = await findGnuShepherd();

const config = `
import { defineConfig, monitoringService, replService, transientService } from "shepherd-ts";
export default defineConfig({ services: [monitoringService(), replService(), transientService()] });
`;

/** Run in this order by each client; the first words of both are the same but for their clients' names. */
const commands: readonly (readonly string[])[] = [
  [
    "spawn",
    "transient",
    "-N",
    "CLIENT",
    "-d",
    "/usr",
    "-E",
    "A=b c",
    "--",
    "sh",
    "-c",
    "pwd; echo $A; exec sleep 1000",
  ],
  ["status", "CLIENT"],
  ["spawn", "transient", "-N", "CLIENT", "--", "true"],
  ["spawn", "transient"],
  ["spawn", "transient", "--user=no-such-user", "-N", "CLIENT-2", "--", "true"],
  ["doc", "transient", "list-actions"],
  ["log", "monitoring"],
  ["period", "monitoring", "60"],
  ["period", "monitoring", "abc"],
  ["status", "repl"],
  ["stop", "CLIENT"],
  ["status", "CLIENT"],
];

it("GNU herd and ours do the same with them", { skip: typeof found === "string" && found }, async (t) => {
  if (typeof found === "string") return;
  const system = await bootSystem(t, { config });
  for (const name of ["monitoring", "repl", "transient"]) await system.untilStatus(name, "running");
  const said = (name: string) => system.until(name, "has said both", ({ text }) => text.includes("b c"));
  for (const command of commands) {
    const as = (client: string): string[] => command.map((word) => word.replace("CLIENT", client));
    const theirs = await gnuHerd(found, system, ...as("theirs"));
    const ours = await system.herd(...as("ours"));
    assert.deepEqual(comparable(ours), comparable(theirs), command.join(" "));
    if (command[0] === "spawn" && ours.status === 0) for (const name of ["theirs", "ours"]) await said(name);
  }
});

/** Without what depends on the moment and on the client. */
function comparable({ status, stdout, stderr }: Outcome): Outcome {
  const plain = (text: string): string =>
    text
      .replaceAll("theirs", "ours")
      .replace(/\(\d+ \w+ ago\)/g, "(AGE)")
      .replace(/since \S+/g, "since TIME")
      .replace(/\d{4}-\d\d-\d\d \S+/g, "TIME")
      .replace(/\d+(\.\d+)?/g, "N");
  return { status, stdout: plain(stdout), stderr: plain(stderr) };
}
