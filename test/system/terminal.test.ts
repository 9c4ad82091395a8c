// What only people see: reasons in the overview, and how far a start or a stop of several services is.

import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type TestContext, test } from "node:test";
import { configuration, shell, sleeper } from "../support/configuration.js";
import { bootSystem, type System } from "../support/harness.js";
import { project } from "../support/project.js";
import { Terminal, type TerminalOptions, uncoloured } from "../support/terminal.js";

const ways = {
  launcher: { command: [join(project.dist, "native", "herd")], env: { SHEPHERD_NODE: "/nowhere" } },
  client: { command: [process.execPath, join(project.dist, "herd.cjs")], env: {} },
} as const;

const gated = (name: string, options: string): string =>
  `service(["${name}"], { autoStart: false, ${options} stop: makeKillDestructor(), start: ${shell(
    `until [ -e {directory}/${name}.go ]; do sleep 0.01; done; echo $$ > {directory}/${name}.pid; exec sleep 1000000`,
    `{ pidFile: "{directory}/${name}.pid", pidFileTimeout: 600 }`,
  )} })`;

const config = configuration(
  [
    gated("db", ""),
    sleeper("web", 'autoStart: false, requirement: ["db"]'),
    sleeper("front", 'autoStart: false, requirement: ["web"]'),
    `service(["bad"], { autoStart: false, start: () => { throw new Error("no port"); } })`,
    `service(["heavy"], { autoStart: false, requirement: ["front"], start: () => true,
    stop: async () => { while (!existsSync("{directory}/heavy.go")) await delay(10); return false; } })`,
  ],
  'import { existsSync } from "node:fs"; import { setTimeout as delay } from "node:timers/promises";',
);

function terminal(
  context: TestContext,
  system: System,
  way: keyof typeof ways,
  args: readonly string[],
  options: TerminalOptions = {},
): Terminal {
  const { command, env } = ways[way];
  const one = new Terminal([...command, "-s", system.socket, ...args], {
    ...options,
    env: { ...env, ...options.env },
  });
  context.after(() => one.close());
  return one;
}

for (const way of ["launcher", "client"] as const) {
  test(`${way}: a line tells how far it is, and is gone afterwards`, async (context) => {
    const system = await bootSystem(context, { config });
    const start = terminal(context, system, way, ["start", "heavy"]);
    await start.until(/Starting heavy: 0 of 4 services are up; starting: db \(\d+ s\)/);
    const blocks = await system.ok("status", "web");
    assert.match(
      blocks,
      /\n {4}\(it is to be started, and waits for db, which is starting\)\n {4}\(awaited by front\)\n/,
    );
    assert.match(
      uncoloured(await shown(context, system, way, ["status"])),
      /Starting:\r\n \^ db.* {2}.*awaited by web\r\n/,
    );
    writeFileSync(system.path("db.go"), "");
    assert.equal(await start.ended, 0, start.text);
    const [before, ...after] = start.text.split("\r␛[K");
    assert.ok(before !== undefined && after.length > 0);
    // All that is left are the messages, as they always were.
    const left = after.filter((text) => !text.includes("Starting heavy")).join("");
    assert.match(
      left,
      /^(?:\S.*\r\n)*Service db has been started\.\r\nService web has been started\.\r\nService front has been started\.\r\nService heavy has been started\.\r\nas before\r\n$/,
    );

    const stop = terminal(context, system, way, ["stop", "db"]);
    await stop.until(/Stopping db: 0 of 4 services are down; stopping: heavy \(\d+ s\)/);
    writeFileSync(system.path("heavy.go"), "");
    assert.equal(await stop.ended, 0, stop.text);
    assert.match(stop.text, /\r␛\[Kas before\r\n$/);
  });

  test(`${way}: the overview gives reasons on a terminal, and nowhere else`, async (context) => {
    const system = await bootSystem(context, { config });
    await system.herd("start", "bad");
    const overview = await shown(context, system, way, ["status"]);
    assert.match(overview, /␛\[1;31mFailed to start:\r?\n␛\[0m ! bad␛\[2m {2}no port␛\[0m\r\n/);
    assert.match(await system.ok("status"), /Failed to start:\n ! bad\n/);
    const plain = await shown(context, system, way, ["status"], { env: { NO_COLOR: "1" } });
    assert.match(plain, /Failed to start:\r\n ! bad {2}no port\r\n/);
  });
}

test("nobody is told who looks at a file, or only at one of the two", async (context) => {
  const system = await bootSystem(context, { config });
  const client = `${process.execPath} ${join(project.dist, "herd.cjs")} -s ${system.socket}`;
  const half = new Terminal([
    "sh",
    "-c",
    `${client} start web > ${system.path("out")}; cat ${system.path("out")}`,
  ]);
  context.after(() => half.close());
  await system.untilStatus("db", "starting");
  const watched = terminal(context, system, "client", ["start", "front"]);
  await watched.until(/Starting front: 0 of 3/);
  writeFileSync(system.path("db.go"), "");
  assert.equal(await half.ended, 0);
  assert.doesNotMatch(half.text, /Starting web|␛/);
  await watched.ended;
});

async function shown(
  context: TestContext,
  system: System,
  way: keyof typeof ways,
  args: readonly string[],
  options: TerminalOptions = {},
): Promise<string> {
  const one = terminal(context, system, way, args, options);
  await one.ended;
  return one.text;
}
