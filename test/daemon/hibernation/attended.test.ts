// Which services the daemon must stay awake for.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { initialState, type ServiceState } from "../../../src/daemon/controller/state.js";
import type { ServiceDefinition } from "../../../src/daemon/definition/types.js";
import { whyAttended } from "../../../src/daemon/hibernation/attended.js";
import { commandSucceeds } from "../../../src/daemon/readiness/options.js";
import { carriedForkexec, definition, forkexec } from "../../support/system.js";

interface Case {
  readonly what: string;
  readonly state?: Partial<ServiceState>;
  readonly options?: Partial<ServiceDefinition>;
  readonly isEnding?: boolean;
  readonly isLoose?: boolean;
  readonly why?: RegExp;
}

const running = { status: "running", value: true } as const;
const moving = /^service web is on its way from one state to another$/;
const health = { probe: commandSucceeds(["true"]) };

const cases: readonly Case[] = [
  { what: "one that is stopped" },
  { what: "one that runs", state: running },
  { what: "one that runs and is being stopped", state: running, isEnding: true, why: moving },
  { what: "one that starts", state: { status: "starting" }, why: moving },
  { what: "one that stops", state: { status: "stopping" }, why: moving },
  { what: "one that is to be respawned", state: { respawnAt: 1 }, why: moving },
  { what: "one that is to be started", state: { wanted: "start" }, why: moving },
  { what: "one whose end somebody decides about", state: { undecided: true }, why: moving },
  { what: "one whose end others follow", state: { ownEnd: "failure" }, why: moving },
  {
    what: "one that lives in the daemon",
    state: running,
    options: { resume: (value) => value },
    why: /^service web lives inside of the supervisor$/,
  },
  { what: "one that lived in the daemon", options: { resume: (value) => value } },
  {
    what: "one with a health check",
    state: running,
    options: { start: carriedForkexec(["/bin/web"], { health }) },
    why: /^the health of service web is looked after$/,
  },
  {
    what: "one with a watchdog",
    state: running,
    options: { start: carriedForkexec(["/bin/web"], { watchdog: 10 }) },
    why: /^service web has a watchdog$/,
  },
  {
    what: "one that has asked for a watchdog",
    state: { ...running, condition: { watchdog: 5 } },
    options: { start: forkexec("/bin/web") },
    why: /^service web has a watchdog$/,
  },
  {
    what: "a function that nothing brings back",
    isLoose: true,
    why: /^service web is a function that no module in force defines$/,
  },
];

describe("the daemon stays awake", () => {
  for (const { what, state, options, isEnding = false, isLoose = false, why } of cases) {
    it(`${why === undefined ? "not " : ""}for ${what}`, () => {
      const service = {
        name: "web",
        state: { ...initialState, ...state },
        definition: definition("web", options),
        isEnding,
        isAttended: false,
      };
      const found = whyAttended(service, isLoose);
      if (why === undefined) assert.equal(found, undefined);
      else assert.match(found ?? "", why);
    });
  }
});
