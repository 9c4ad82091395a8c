// Connections that come while the daemon dies: each is served once, by a program that is somebody's.

import { test } from "node:test";
import { makeInetdConstructor, makeSystemdConstructor } from "../../../src/daemon/definition/constructors.js";
import { endpoint } from "../../../src/daemon/definition/endpoint.js";
import { exitsOf, program, rest, servicesOf, sweep } from "../../support/crashes.js";
import { client, type TestSystem } from "../../support/system.js";

const http = endpoint("127.0.0.1:80");
const lazy = program("lazy", { start: makeSystemdConstructor(["/bin/lazy"], [http]) });
const echo = program("echo", { start: makeInetdConstructor(["/bin/echo"], [http]) });

const start =
  (name: string) =>
  ({ system }: TestSystem): Promise<unknown> =>
    system.supervisor.start(name, [], client());

async function connect(one: TestSystem): Promise<void> {
  for (const [name, { kind }] of one.keeper.descriptors) if (kind === "listener") one.keeper.connect(name);
  await rest(one);
}

test("the first connection starts one program, whenever the daemon dies", () =>
  sweep({
    definitions: [lazy],
    before: start("lazy"),
    act: connect,
    ends: { lazy: "running" },
    look: ({ keeper }) => keeper.children.length,
  }));

test("the exit status of a program that a connection has started is told once, whenever the daemon dies", () =>
  sweep({
    definitions: [lazy],
    keeper: {
      onSpawn: ({ id }, keeper) => {
        keeper.started(id);
        keeper.end(id, { code: 3 });
      },
    },
    before: start("lazy"),
    act: connect,
    ends: { lazy: "stopped" },
    look: (one) => exitsOf(one, "lazy"),
  }));

test("a connection has one service of its own, whenever the daemon dies", () =>
  sweep({
    definitions: [echo],
    prepare: (system) => system.registerNoted("which is lost"),
    before: start("echo"),
    act: connect,
    ends: { echo: "running" },
    look: (one) => [one.keeper.children.length, servicesOf(one).map((service) => service.split(" ")[1])],
  }));
