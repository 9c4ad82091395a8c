// How the programs of examples/build-farm.ts were run, in the words of the tables.

import assert from "node:assert/strict";
import type { OwnRoot } from "../support/own-root.js";
import type { Recorded } from "../support/recorder.js";
import { type ExpectedProgram, recordedPrograms } from "./build-farm-tables.js";

/** Of a table that is shown. */
export function cell(value: unknown): string {
  const items: readonly unknown[] = Array.isArray(value) ? value : [value];
  return items.map((item) => (item === undefined ? "–" : String(item))).join("<br>");
}

/** A line of /etc/group. */
export const groupOfLine = (line: string): readonly [gid: string, name: string] => {
  const [name = "", , gid = ""] = line.split(":");
  return [gid, name];
};

/** How a program was run. */
export async function describeRun(
  root: OwnRoot,
  {
    service,
    program,
    logFile,
    pidFile,
  }: Pick<ExpectedProgram, "service" | "program" | "logFile" | "pidFile">,
  record: Recorded,
): Promise<Partial<ExpectedProgram>> {
  const groupNames = new Map((await root.ok("cat", "/etc/group")).split("\n").map(groupOfLine));
  const groupName = (gid: string): string => groupNames.get(gid) ?? gid;
  const user = await root.ok("id", "-nu", record.uid);
  const isRecorder = recordedPrograms.some((one) => one.program === program);
  if (isRecorder && logFile !== undefined)
    await root.waitForText(logFile, new RegExp(`\\b${program} writes a line, and no more\\n`));
  else if (logFile !== undefined) await root.ok("test", "-s", logFile);
  const services = JSON.parse(await root.ok("cat", "/run/current-system/shepherd/services.json")) as {
    readonly services: readonly (Pick<ExpectedProgram, "requirement"> & { readonly name: string })[];
  };
  // A pipe that the keeper holds, whose other end is at the log writer; input there is none.
  assert.deepEqual(
    record.streams.map((stream) => stream.replace(/\[\d+\]/, "")),
    ["/dev/null", "pipe:", "pipe:"],
  );
  const environment = record.environment.filter((one) => !one.startsWith("SHEPHERD_MARK="));
  return {
    argv: record.argv.map((word) => word.replace(/\/[0-9a-f]{32}-/, "/HASH-")),
    // The real ones have the supervisor's own.
    ...(isRecorder ? { environment } : {}),
    user: user.trimEnd(),
    group: groupName(record.gid),
    groups: record.groups.map(String).map(groupName).sort(),
    directory: record.directory,
    umask: record.umask,
    logFile,
    pidFile:
      pidFile !== undefined && (await root.ok("cat", pidFile)) !== `${record.pid}\n` ? "another" : pidFile,
    requirement: services.services.find(({ name }) => name === service)?.requirement ?? [],
    documentation: (await root.shell(`herd doc ${service}`)).split("\n")[0] ?? "",
  };
}
