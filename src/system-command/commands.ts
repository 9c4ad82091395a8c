// The commands of `shepherd system`, each made of the parts that do it.

import { resolve } from "node:path";
import { UsageError } from "../cli/gnu-options.js";
import { defaultSocketPath } from "../protocol/socket-path.js";
import { extensionGraph } from "../services/composition/extension-graph.js";
import { systemServiceType } from "../services/essential/system.js";
import type { Tree } from "../services/files/tree.js";
import { operatingSystemServices } from "../services/operating-system.js";
import { shepherdGraph } from "../services/shepherd/graph.js";
import { importServiceModules } from "../services/shepherd/modules.js";
import { operatingSystemShepherdServices } from "../services/system-configuration.js";
import { activateSystem, bootSystem } from "./activation.js";
import { boot } from "./boot.js";
import { buildApart } from "./build-apart.js";
import { CommandError } from "./error.js";
import { type EvaluatedSystem, withSystem } from "./evaluate.js";
import { existing, matchingGenerations } from "./generation-pattern.js";
import {
  currentGeneration,
  type Generation,
  generationOf,
  listGenerations,
  removeGenerations,
  useGeneration,
} from "./generations.js";
import { svgOf } from "./graphs.js";
import { targetOf } from "./links.js";
import { exclusively } from "./lock.js";
import type { CommandName, Invocation, Options } from "./options.js";
import { type Places, placesBelow } from "./places.js";
import { planText } from "./plan.js";
import { describe } from "./provenance.js";
import { plan, type Reconfiguration, reconfigure, type Target } from "./reconfigure.js";
import { searchResult } from "./search.js";
import { servicesOfSystem, servicesOfTree } from "./services-file.js";
import { Supervisor } from "./supervisor.js";
import { answer, answerDescriptor, supervisorStatements } from "./supervisor-command.js";
import { adoptSystem, checkSystem, isDirectory, putSystem, treeOf, writeSystem } from "./systems.js";

export interface Surroundings {
  /** Our own program, to run others of our commands. */
  readonly program: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly uid: number;
  /** To standard output, as it is. */
  readonly write: (text: string) => void;
  /** A line to standard error. */
  readonly tell: (text: string) => void;
}

export type ExitStatus = 0 | 1;

interface Context extends Surroundings {
  readonly places: Places;
  readonly operands: readonly string[];
  readonly options: Options;
  readonly daemonArguments: readonly string[];
}

type Run = (context: Context) => Promise<ExitStatus>;

const runs: Readonly<Record<CommandName, Run>> = {
  build: runBuild,
  boot: runBoot,
  activate: runActivate,
  reconfigure: runReconfigure,
  "shepherd-graph": (context) =>
    printGraph(context, ({ system }) => shepherdGraph(operatingSystemShepherdServices(system))),
  "extension-graph": (context) =>
    printGraph(context, ({ system }) => extensionGraph(operatingSystemServices(system), systemServiceType)),
  search: runSearch,
  convert: runConvert,
  describe: runDescribe,
  "list-generations": runListGenerations,
  "roll-back": runRollBack,
  "switch-generation": runSwitchGeneration,
  "delete-generations": runDeleteGenerations,
};

/** Runs one command; throws what is wrong with the command line, the configuration or the machine. */
export async function run(
  { command, operands, options, daemonArguments }: Invocation,
  surroundings: Surroundings,
): Promise<ExitStatus> {
  return await runs[command]({ ...surroundings, places: placesBelow(), operands, options, daemonArguments });
}

async function build(file: string): Promise<Tree> {
  return await withSystem(file, async (evaluated) => {
    await importServiceModules(operatingSystemShepherdServices(evaluated.system));
    return treeOf(evaluated);
  });
}

async function runBuild({ places, operands: [file = ""], options, write }: Context): Promise<ExitStatus> {
  const tree = await build(file);
  const { output } = options;
  write(`${output === undefined ? await putSystem(places, tree) : await writeSystem(output, tree)}\n`);
  return 0;
}

async function runBoot(context: Context): Promise<ExitStatus> {
  const { places, operands, tell, environment, daemonArguments } = context;
  const [wanted = ""] = operands;
  const descriptor = answerDescriptor(environment);
  if (descriptor === undefined)
    throw new UsageError("run it as 'shepherd system boot': it takes a shell that becomes the supervisor");
  const { program } = await exclusively(places, tell, () =>
    boot(wanted, {
      places,
      tell,
      build: async () =>
        (await isDirectory(wanted))
          ? await adoptSystem(places, wanted)
          : await buildApart(context.program, wanted),
      activate: (directory) => bootSystem(places, directory, tell),
    }),
  );
  answer(descriptor, supervisorStatements(places, daemonArguments, program));
  return 0;
}

async function runActivate({ places, operands: [directory = ""], tell }: Context): Promise<ExitStatus> {
  await checkSystem(directory);
  const failed = await exclusively(places, tell, () => activateSystem(directory, tell));
  return failed.length === 0 ? 0 : 1;
}

async function runReconfigure(context: Context): Promise<ExitStatus> {
  const { places, operands, options, tell } = context;
  const tree = await build(operands[0] ?? "");
  const services = servicesOfTree(tree);
  if (options.dryRun === true) return await printPlan(context, services);
  return await exclusively(places, tell, async () => {
    const target = { system: await putSystem(places, tree), services };
    return await bringIntoUse(target, () => generationOf(places, target.system), context);
  });
}

async function runRollBack(context: Context): Promise<ExitStatus> {
  return await switchTo(context, (generations, current) => {
    const former = generations.filter(({ number }) => number < current).at(-1);
    if (former === undefined) throw new CommandError(`there is no generation before ${current}`);
    return former;
  });
}

async function runSwitchGeneration(context: Context): Promise<ExitStatus> {
  return await switchTo(context, (generations) => {
    const number = existing(context.operands[0] ?? "", generations);
    return generations.find((one) => one.number === number) as Generation;
  });
}

async function switchTo(
  context: Context,
  choose: (generations: readonly Generation[], current: number) => Generation,
): Promise<ExitStatus> {
  const { places, tell, options } = context;
  return await exclusively(places, tell, async () => {
    const { number: current } = await generationInUse(places);
    const chosen = choose(await listGenerations(places), current);
    await checkSystem(chosen.system);
    const services = await servicesOfSystem(chosen.system);
    if (options.dryRun === true) return await printPlan(context, services);
    const enter = async (): Promise<Generation> => {
      await useGeneration(places, chosen.number);
      return chosen;
    };
    return await bringIntoUse({ system: chosen.system, services }, enter, context);
  });
}

async function generationInUse(places: Places): Promise<Generation> {
  const current = await currentGeneration(places);
  if (current === undefined) throw new CommandError("no system was booted or built into a generation yet");
  return current;
}

async function printPlan(context: Context, services: Target["services"]): Promise<ExitStatus> {
  const { plan: steps } = await plan(reconfiguration(context), services);
  for (const line of planText(steps)) context.write(`${line}\n`);
  return 0;
}

async function bringIntoUse(
  target: Target,
  enter: () => Promise<Generation>,
  context: Context,
): Promise<ExitStatus> {
  const failed = await reconfigure(target, enter, reconfiguration(context));
  if (failed.length > 0) context.tell(`error: these have failed: ${failed.join(", ")}`);
  return failed.length === 0 ? 0 : 1;
}

function reconfiguration({ places, options, environment, uid, write, tell }: Context): Reconfiguration {
  const print = (line: string): void => write(`${line}\n`);
  const socket = options.socket ?? defaultSocketPath(environment, uid);
  return {
    places,
    supervisor: new Supervisor({ socket, say: print }),
    print,
    complain: (text) => tell(`error: ${text}`),
    activate: (system) => activateSystem(system, tell),
  };
}

async function printGraph(
  { operands: [file = ""], options, write }: Context,
  graph: (evaluated: EvaluatedSystem) => string,
): Promise<ExitStatus> {
  const dot = await withSystem(file, graph);
  write(options.svg === true ? await svgOf(dot) : dot);
  return 0;
}

async function runSearch({ operands, write }: Context): Promise<ExitStatus> {
  const found = searchResult(operands, await import("../services/system.js"));
  write(found);
  return found === "" ? 1 : 0;
}

/** The readers of units and of other files are loaded for this alone. */
async function runConvert({ operands, options, write }: Context): Promise<ExitStatus> {
  const { ConversionError } = await import("../convert/error.js");
  try {
    write(await converted(operands, options));
    return 0;
  } catch (error) {
    if (error instanceof ConversionError) throw new CommandError(error.message);
    throw error;
  }
}

async function converted(operands: readonly string[], { root, from }: Options): Promise<string> {
  const { convertFile, kindOf, kinds } = await import("../convert/convert.js");
  const kind = from === undefined ? kindOf(operands[0] ?? "") : kinds.find((one) => one === from);
  if (kind === undefined) throw new UsageError(`--from: expected one of ${kinds.join(", ")}, got '${from}'`);
  if (kind !== "systemd") {
    if (root !== undefined) throw new UsageError("--root is about units of systemd");
    return await convertFile(kind, operands);
  }
  const { convertUnits } = await import("../../systemd-compat/convert.js");
  const directory = process.cwd();
  return await convertUnits({
    units: operands,
    directory,
    ...(root === undefined ? {} : { root: resolve(directory, root) }),
  });
}

async function runDescribe({ places, write }: Context): Promise<ExitStatus> {
  const current = await generationInUse(places);
  write(await describe(current, await remarks(places, current, current.number), true));
  return 0;
}

async function runListGenerations({ places, operands: [pattern], write }: Context): Promise<ExitStatus> {
  const all = await listGenerations(places);
  const current = (await currentGeneration(places))?.number;
  const shown = pattern === undefined ? all : matchingGenerations(pattern, all, Date.now());
  for (const one of shown) write(await describe(one, await remarks(places, one, current), false));
  return 0;
}

/** What is special about a generation. */
async function remarks(
  places: Places,
  { number, system }: Generation,
  current: number | undefined,
): Promise<readonly string[]> {
  return [
    ...(number === current ? ["current"] : []),
    ...(system === (await targetOf(places.current)) ? ["running"] : []),
    ...(system === (await targetOf(places.booted)) ? ["booted"] : []),
  ];
}

async function runDeleteGenerations(context: Context): Promise<ExitStatus> {
  const { places, operands, write, tell } = context;
  const [pattern] = operands;
  return await exclusively<ExitStatus>(places, tell, async () => {
    const all = await listGenerations(places);
    const current = (await currentGeneration(places))?.number;
    const meant = pattern === undefined ? all : matchingGenerations(pattern, all, Date.now());
    const removed = meant.filter(({ number }) => number !== current);
    if (pattern !== undefined && removed.length < meant.length)
      tell(`generation ${current} is in use, and stays`);
    const inUse = [await targetOf(places.current), await targetOf(places.booted)];
    await removeGenerations(
      places,
      removed,
      inUse.filter((system) => system !== undefined),
    );
    for (const { number } of removed) write(`deleted generation ${number}\n`);
    return 0;
  });
}
