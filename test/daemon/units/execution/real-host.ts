// A host over a real keeper, which is in a PID namespace and a mount namespace of its own: what is spawned is executed.

import { chmodSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Keeper } from "../../../../src/daemon/keeper/types.js";
import type { End } from "../../../../src/daemon/processes.js";
import { System } from "../../../../src/daemon/system.js";
import { commandSpec } from "../../../../src/daemon/units/execution/command.js";
import { prepareUnit } from "../../../../src/daemon/units/execution/prepare.js";
import { tidyUnit } from "../../../../src/daemon/units/execution/tidy.js";
import type { CommandRequest } from "../../../../src/daemon/units/execution/types.js";
import type { UnitData } from "../../../../src/daemon/units/types.js";
import type { Command } from "../../../../systemd-compat/parser/command-line.js";
import { Bed } from "../../../native/keeper/bed.js";
import { type Bench, bench, commandsOf, serviceName, unitData } from "./support.js";

export interface Ran {
  readonly end: End;
  /** What the unit's program has written, if it ran. */
  readonly output: string;
}

export interface RealBench extends Bench {
  /** Runs the command of a unit with these lines, to its end; output goes to a file where they say nothing of it. */
  run(lines: string, request?: Partial<CommandRequest>): Promise<Ran>;
  runData(data: UnitData, request?: Partial<CommandRequest>): Promise<Ran>;
  tidy(data: UnitData): Promise<void>;
}

/** @param parent where the directory of the test is */
export async function realBench(context: TestContext, parent?: string): Promise<RealBench> {
  const bed = await Bed.start();
  context.after(() => bed.close());
  const agent = await bed.agent();
  const keeperPid = await bed.pid;
  const b = bench(context, parent === undefined ? {} : { parent });
  chmodSync(b.directory, 0o755);
  const keeper: Keeper = {
    // It has another number out here.
    inventory: { ...agent.inventory, keeper: { ...agent.inventory.keeper, pid: keeperPid } },
    send: (requests, { stopOnError = false } = {}) => agent.send(requests, stopOnError),
    onEvent: (receiver) => {
      const receive = agent.receive.bind(agent);
      agent.receive = (report) => {
        if (report.kind === "event") receiver(report.event);
        else receive(report);
      };
      for (const event of agent.events.splice(0)) receiver(event);
    },
    onLost: () => undefined,
  };
  const ignore = (): void => undefined;
  const system = new System(
    {
      keeper,
      log: { info: (line) => b.said.push(line), error: (line) => b.said.push(line) },
      logs: {
        open: async () => undefined,
        begin: async () => ({ open: async () => undefined }),
        label: ignore,
        pid: undefined,
        successionOf: () => undefined,
        systemLogOf: () => undefined,
        openSystemLog: async () => undefined,
        closeSystemLog: () => undefined,
        ended: ignore,
        keepWithin: ignore,
      },
      environment: ["PATH=/bin"],
      directory: "/",
      resolveIdentity: (wanted) => b.host.resolveIdentity(wanted),
    },
    { settled: ignore, over: ignore, forgotten: ignore, replaced: ignore },
  );
  keeper.onEvent((event) => system.handleEvent(event));
  system.resume();
  const { host } = system;
  const output = join(b.directory, "output");
  const runData = async (data: UnitData, request: Partial<CommandRequest> = {}): Promise<Ran> => {
    const service = serviceName(data);
    const preparation = await prepareUnit(host, service, data, (line) => b.said.push(line), b.places);
    const id = host.processes.nextId(service);
    const command = commandsOf(data, "ExecStart")[0] as Command;
    const { spec, step } = await commandSpec(host, preparation, { id, command, phase: "start", ...request });
    const child = host.processes.spawn(id, spec, step);
    const end = await child.ended;
    return { end, output: end.failure === undefined ? readFileSync(output, "utf8") : "" };
  };
  return {
    ...b,
    host,
    runData,
    run: (lines, request) => {
      const own = /^StandardOutput=/m.test(lines) ? "" : `StandardOutput=truncate:${output}\n`;
      return runData(unitData(`${own}${lines}`), request);
    },
    tidy: (data) => tidyUnit(host, serviceName(data), data, { restarting: false, places: b.places }),
  };
}
