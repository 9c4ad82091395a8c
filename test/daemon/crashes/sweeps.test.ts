// Each thing that happens to services, with the daemon killed at every instant of it and again at every instant of the
// recovery: the end is the same as without.

import { test } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { makeSystemConstructor, makeSystemDestructor } from "../../../src/daemon/definition/constructors.js";
import { program, rest, type Scenario, stateOf, sweep, until } from "../../support/crashes.js";
import { client, definition, settle, type TestSystem } from "../../support/system.js";

const start =
  (...names: readonly string[]) =>
  ({ system }: TestSystem): Promise<unknown> =>
    system.supervisor.startAll(names, client());
const stop =
  (name: string) =>
  ({ system }: TestSystem): Promise<unknown> =>
    system.supervisor.stop(name, [], client());
const end =
  (id: string, code: number) =>
  async (one: TestSystem): Promise<void> => {
    one.keeper.end(id, { code });
    await rest(one);
  };
/** How often a service's process has ended, and been respawned. */
const counts = (one: TestSystem): unknown => {
  const { exitStatuses, lastRespawns } = stateOf(one, "web");
  return { exits: exitStatuses.length, respawns: lastRespawns.length };
};
const decideSlowly = async (): Promise<"default"> => {
  await delay(2);
  return "default";
};

const scenarios: Readonly<Record<string, Scenario>> = {
  "a start with requirements": {
    definitions: [
      program("base"),
      program("middle", { requirement: ["base"] }),
      program("web", { requirement: ["middle"] }),
    ],
    act: start("web"),
    ends: { base: "running", middle: "running", web: "running" },
  },
  "a start that is disabled before it has begun": {
    definitions: [program("base"), program("web", { requirement: ["base"] })],
    act: async ({ system }) => {
      const starting = system.supervisor.start("web", [], client());
      system.registry.get("web").disable();
      await starting;
    },
    ends: { web: "stopped" },
  },
  "a start function that throws": {
    definitions: [
      definition("web", {
        start: () => {
          throw new Error("refused");
        },
      }),
    ],
    act: start("web"),
    ends: { web: "stopped" },
    look: (one) => stateOf(one, "web").startupFailures.length > 0,
  },
  "a stop": {
    definitions: [program("base"), program("web", { requirement: ["base"] })],
    before: start("web"),
    act: stop("web"),
    ends: { base: "running", web: "stopped" },
  },
  "a stop of what others depend on": {
    definitions: [program("base"), program("web", { requirement: ["base"] })],
    before: start("web"),
    act: stop("base"),
    // Killed before its own turn came, that it was to be stopped is known to who asked, and is asked for again.
    ends: { web: "stopped" },
  },
  "a start and a stop at once": {
    definitions: [program("base"), program("web", { requirement: ["base"] })],
    act: async (one) => {
      const starting = start("web")(one);
      await settle();
      await Promise.all([starting, stop("web")(one)]);
    },
    // Killed before the stop came to be known, the service runs.
    ends: {},
  },
  "a start and a stop by shell commands": {
    definitions: [
      definition("web", { start: makeSystemConstructor("up"), stop: makeSystemDestructor("down") }),
    ],
    keeper: {
      onSpawn: ({ id }, keeper) => {
        keeper.started(id);
        keeper.end(id, { code: 0 });
      },
    },
    act: async (one) => {
      await start("web")(one);
      await stop("web")(one);
    },
    ends: {},
    look: (one) => stateOf(one, "web").failure ?? "no failure",
  },
  "the end of a program": {
    definitions: [program("web")],
    before: start("web"),
    act: end("web#0.1", 1),
    ends: { web: "stopped" },
    look: counts,
  },
  "the end of a program, of which a function decides": {
    definitions: [program("web", { terminationHandler: decideSlowly })],
    before: start("web"),
    act: end("web#0.1", 1),
    ends: { web: "stopped" },
    look: counts,
  },
  "the end of a transient service": {
    definitions: [program("base"), program("job", { transient: true })],
    before: start("base", "job"),
    act: end("job#0.2", 0),
    ends: { base: "running" },
  },
  "a respawn": {
    definitions: [program("web", { respawn: true })],
    before: start("web"),
    act: end("web#0.1", 1),
    ends: { web: "running" },
    look: counts,
  },
  "a respawn of which a function decides": {
    definitions: [program("web", { respawn: true, terminationHandler: decideSlowly })],
    before: start("web"),
    act: end("web#0.1", 1),
    ends: { web: "running" },
    look: counts,
  },
  "a respawn too many": {
    definitions: [program("web", { respawn: true, respawnLimit: { times: 1, seconds: 100 } })],
    before: async (one) => {
      await start("web")(one);
      await end("web#0.1", 1)(one);
    },
    act: end("web#0.2", 1),
    ends: { web: "stopped" },
    look: (one) => stateOf(one, "web").enabled,
  },
  "the end of a service together with what it requires, both respawned": {
    definitions: [
      program("base", { respawn: true }),
      program("web", { requirement: ["base"], respawn: true }),
    ],
    before: start("web"),
    act: async (one) => {
      one.keeper.end("web#0.2", { code: 1 });
      one.keeper.end("base#0.1", { code: 1 });
      await rest(one);
    },
    ends: { base: "running", web: "running" },
  },
  "a stop of what waits for its respawn": {
    definitions: [program("web", { respawn: true, respawnDelay: 10 })],
    before: async (one) => {
      await start("web")(one);
      one.keeper.end("web#0.1", { code: 1 });
      await until("its respawn is due", () => {
        const { respawnAt, leaders } = stateOf(one, "web");
        return respawnAt !== undefined && leaders.length === 0;
      });
    },
    act: stop("web"),
    ends: { web: "stopped" },
  },
};

for (const [name, scenario] of Object.entries(scenarios))
  test(`${name} comes to its end whenever the daemon dies`, () => sweep(scenario));
