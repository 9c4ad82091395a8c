// The system log starts and stops while the daemon dies: in the end it has its socket, and its kernel's log, or neither.

import { test } from "node:test";
import { endpoint } from "../../../src/daemon/definition/endpoint.js";
import { systemLogConstructor } from "../../../src/daemon/definition/system-log.js";
import { program, sweep } from "../../support/crashes.js";
import { client, type TestSystem } from "../../support/system.js";

const log = program("log", {
  start: systemLogConstructor(
    { what: "test" },
    { endpoints: [endpoint("/run/log", { style: "datagram" })], kernelLogFile: "/run/kmsg" },
  ),
});

const start = ({ system }: TestSystem): Promise<unknown> => system.supervisor.start("log", [], client());
const held = ({ keeper }: TestSystem): readonly string[] =>
  [...keeper.descriptors].filter(([, { kind }]) => kind === "listener").map(([name]) => name);

test("it listens once, whenever the daemon dies while it starts", () =>
  sweep({ definitions: [log], act: start, ends: { log: "running" }, look: held }));

test("nothing of it is left, whenever the daemon dies while it stops", () =>
  sweep({
    definitions: [log],
    before: start,
    act: ({ system }) => system.supervisor.stop("log", [], client()),
    ends: { log: "stopped" },
    look: held,
  }));
