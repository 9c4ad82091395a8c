// What systemLogService makes of its options, and what it says of mistakes.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { withoutConsole } from "../../src/daemon/constructors/system-log.js";
import { endpoint } from "../../src/daemon/definition/endpoint.js";
import { builtin, type SystemLogData } from "../../src/daemon/definition/types.js";
import {
  defaultSystemLogRules,
  type SystemLogRule,
  type SystemLogServiceOptions,
  systemLogService,
} from "../../src/services/builtin/system-log.js";
import { isFrozenThroughout, mistake, untyped } from "../daemon/definition/support.js";

function dataOf(options?: SystemLogServiceOptions): SystemLogData {
  const data = systemLogService(options).start[builtin];
  assert.equal(data?.kind, "system-log");
  return data as SystemLogData;
}

const routesOf = (...rules: readonly SystemLogRule[]) => dataOf({ rules }).routes.rules;
const everyFacility = 0xff_ffff;
const everyPriority = 0xff;

describe("systemLogService", () => {
  it("is /dev/log, the usual files, the usual rate and a mark by default", () => {
    const service = systemLogService();
    assert.deepEqual(service.provision, ["system-log", "syslogd"]);
    assert.deepEqual(service.requirement, []);
    const { endpoints, files, routes, kernelLogFile } = dataOf();
    assert.deepEqual(
      endpoints.map(({ address, style, name, socketPermissions }) => [
        address,
        style,
        name,
        socketPermissions,
      ]),
      [[{ family: "unix", path: "/dev/log" }, "datagram", "Unix-domain system log endpoint", 0o666]],
    );
    assert.equal(kernelLogFile, undefined);
    assert.deepEqual(files, [
      "/dev/console",
      "/var/log/secure",
      "/var/log/maillog",
      "/var/log/debug",
      "/var/log/messages",
    ]);
    assert.deepEqual(routes, {
      rules: [
        { facilities: 1, priorities: 1, file: 0, stop: false },
        { facilities: (1 << 4) | (1 << 10), priorities: everyPriority, file: 1, stop: true },
        { facilities: 1 << 2, priorities: everyPriority, file: 2, stop: true },
        { facilities: everyFacility, priorities: 1 << 7, file: 3, stop: true },
        { facilities: everyFacility, priorities: everyPriority, file: 4, stop: false },
      ],
      host: "localhost",
      rateLimit: { messages: 1000, seconds: 10 },
      markInterval: 1200,
    });
    assert.ok(isFrozenThroughout(dataOf()) && isFrozenThroughout(defaultSystemLogRules));
  });

  it("takes priorities as least, as range, and exactly", () => {
    const [least, range, exactly] = routesOf(
      { priority: "err", destination: "/a" },
      { priority: { from: "crit", to: "warning" }, destination: "/a" },
      { priority: { exactly: "info" }, destination: "/a" },
    );
    assert.equal(least?.priorities, 0b0000_1111);
    assert.equal(range?.priorities, 0b0001_1100);
    assert.equal(exactly?.priorities, 0b0100_0000);
  });

  it("takes tags, the recent messages alone, and one file for several rules", () => {
    assert.deepEqual(
      routesOf(
        { tag: "sshd", destination: "history", stop: true },
        { facility: "local7", destination: "/a" },
        { facility: ["kern", "kern"], destination: "/a" },
      ),
      [
        { facilities: everyFacility, priorities: everyPriority, tag: "sshd", stop: true },
        { facilities: 2 ** 23, priorities: everyPriority, file: 0, stop: false },
        { facilities: 1, priorities: everyPriority, file: 0, stop: false },
      ],
    );
  });

  it("takes no limit, no mark, no kernel's log, and another host", () => {
    const { routes, kernelLogFile } = dataOf({
      rateLimit: false,
      markInterval: 0,
      kernelLogFile: false,
      hostName: "web1",
    });
    assert.equal(kernelLogFile, false);
    assert.equal(routes.rateLimit, undefined);
    assert.equal(routes.markInterval, 0);
    assert.equal(routes.host, "web1");
  });

  it("does without a console where there is none", () => {
    const data = dataOf({
      rules: [
        { destination: "/a" },
        { priority: "emerg", destination: "console" },
        { destination: "/b", tag: "b" },
        { destination: "history", tag: "c" },
      ],
    });
    const { files, routes } = withoutConsole(data);
    assert.deepEqual(files, ["/a", "/b"]);
    assert.deepEqual(
      routes.rules.map(({ file }) => file),
      [0, undefined, 1, undefined],
    );
  });

  const mistakes: readonly (readonly [string, object, RegExp])[] = [
    ["an unknown option", { rule: [] }, /systemLogService: unknown field "rule"; did you mean "rules"\?/],
    [
      "an unknown facility",
      { rules: [{ facility: "kernel", destination: "/a" }] },
      /systemLogService: rule 1: field "facility": expected .*"kern".* got "kernel"/,
    ],
    [
      "an unknown priority",
      { rules: [{ destination: "/a" }, { priority: { exactly: "error" }, destination: "/a" }] },
      /rule 2: field "priority": field "exactly": expected one of "emerg".* got "error"/,
    ],
    [
      "a range that is the wrong way round",
      { rules: [{ priority: { from: "debug", to: "err" }, destination: "/a" }] },
      /field "priority": "debug" is less grave than "err", which must come first/,
    ],
    [
      "half a range",
      { rules: [{ priority: { from: "err" }, destination: "/a" }] },
      /field "priority": expected one of .* got undefined/,
    ],
    [
      "no destination",
      { rules: [{}] },
      /rule 1: field "destination": expected an absolute file name.*got undefined/,
    ],
    [
      "a relative file",
      { rules: [{ destination: "messages" }] },
      /expected an absolute file name, "console" or "history", got "messages"/,
    ],
    ["a tag with a space", { rules: [{ tag: "a b", destination: "/a" }] }, /field "tag": expected a tag/],
    ["no rules", { rules: [] }, /field "rules": expected a list of at least one rule/],
    [
      "too many rules",
      { rules: Array.from({ length: 65 }, () => ({ destination: "/a" })) },
      /expected at most 64 rules, got 65/,
    ],
    [
      "too many files",
      { rules: Array.from({ length: 61 }, (_, index) => ({ destination: `/a${index}` })) },
      /expected rules with at most 60 files, got 61/,
    ],
    [
      "a stream socket",
      { endpoints: [endpoint("/run/log")] },
      /endpoint \/run\/log: expected a Unix socket with style "datagram", got style "stream"/,
    ],
    [
      "an endpoint twice",
      { endpoints: [endpoint("/l", { style: "datagram" }), endpoint("/l", { style: "datagram" })] },
      /endpoint \/l is given twice/,
    ],
    ["half a rate", { rateLimit: { messages: 5 } }, /rateLimit": field "seconds": expected a number/],
    [
      "a rate of none",
      { rateLimit: { messages: 0, seconds: 1 } },
      /field "messages": expected a number from 1/,
    ],
    ["a mark in the past", { markInterval: -1 }, /field "markInterval": expected a number of seconds/],
    ["a host with a space", { hostName: "a b" }, /field "hostName": expected a name/],
  ];
  for (const [what, options, message] of mistakes)
    it(`refuses ${what}`, () => {
      assert.match(
        mistake(() => systemLogService(untyped(options))),
        message,
      );
    });
});
