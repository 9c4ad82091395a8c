// The service `root`: the daemon itself, with the actions that operate on it.

import { resolve } from "node:path";
import { encodeLogSources } from "../protocol/log-sources.js";
import { encodeService, type ServiceStatus } from "../protocol/service-status.js";
import { type Sexp, sym } from "../protocol/sexp.js";
import { encodeUsage, usageAction } from "../protocol/usage.js";
import { ActionError, type RootAction } from "./control/dispatch.js";
import { type LogPlaces, logSources } from "./control/log-sources.js";
import { briefStatus, type LogView, serviceStatus } from "./control/status.js";
import { usageOfAll } from "./control/usage.js";
import type { Controller } from "./controller/controller.js";
import { plain } from "./definition/plain.js";
import type { ServiceDefinition } from "./definition/types.js";
import { type EndingOperations, endingActions } from "./ending-actions.js";
import { errorText } from "./error-text.js";
import { type Registry, ServiceNotFound } from "./registry/registry.js";
import type { ReplAnswer } from "./repl-sessions.js";
import type { Request } from "./request.js";

/** What the actions of root do, done by the daemon. */
export interface RootOperations extends EndingOperations {
  readonly registry: Registry;
  readonly logs: LogView & LogPlaces;
  /** Where the services' cgroups are, or why there are none. */
  cgroups(): string;
  /** Why no user code is run, where that is so. */
  rescue(): string | undefined;
  /** Why we do not hibernate, where we were told to and cannot. */
  whyAwake(): string | undefined;
  load(file: string, request: Request): Promise<void>;
  reload(file: string, request: Request): Promise<void>;
  unload(name: string, request: Request): Promise<void>;
  evaluate(expression: string, request: Request): Promise<unknown>;
  /** What a client of the REPL gets for its input. */
  converse(pid: number, source: string): Promise<ReplAnswer>;
  /** Has the keeper start the program that is on disk now, over the running services; throws ActionError where it cannot. */
  relaunch(): Promise<void>;
  /** Makes new files of the logs of services, or of all with none given; resolves with the names of what was put aside. */
  rotate(services: readonly string[]): Promise<readonly string[]>;
  /** Has the keeper execute its program that is on disk now, in place. */
  upgradeKeeper(): Promise<void>;
}

const documentation = "The root service is used to operate on shepherd itself.";

/** The definition that makes `root` look like any other service. */
export function rootDefinition(actions: Iterable<RootAction>): ServiceDefinition {
  return {
    provision: ["root", "shepherd"],
    ...plain,
    start: () => true,
    stop: () => false,
    actions: [...actions]
      .filter(({ hidden }) => hidden !== true)
      .map(({ name, documentation: text }) => ({ name, documentation: text, procedure: () => false })),
    autoStart: true,
    documentation,
  };
}

const help = `\
This is the help message for the 'root' service of shepherd.  The 'root'
service is used to control shepherd itself, and it has several actions:
'herd status root' tells about shepherd, 'herd status' gives a summary of
all services.

'herd doc root list-actions' lists what can be done.`;

export function rootActions(operations: RootOperations): ReadonlyMap<string, RootAction> {
  const { keeper } = operations;

  const statusOfRoot = async (controller: Controller): Promise<ServiceStatus> => {
    const plain = await serviceStatus(controller, operations, operations.rescue());
    const awake = operations.whyAwake();
    const more = awake === undefined ? [] : [["awake-because", awake] as const];
    // Of another process than the last time: we were started anew in between.
    const own = ["supervisor-pid", process.pid] as const;
    const extra = new Map<string, Sexp>([...plain.extra, ["cgroups", operations.cgroups()], own, ...more]);
    const status = { ...plain, extra };
    const { scheduled } = operations.schedule;
    if (scheduled === undefined) return status;
    const { how, at, message } = scheduled;
    return { ...status, extra: new Map([...status.extra, ["scheduled-shutdown", [sym(how), at, message]]]) };
  };
  const inDirectory = (file: string | undefined, request: Request): string =>
    resolve(request.directory ?? process.cwd(), file ?? "");

  const actions: readonly RootAction[] = [
    {
      name: "help",
      effect: "none",
      documentation: "Show the help message for the 'root' service.",
      arity: [0, 0],
      // Clients print the result: GNU herd fails on one that is no string.
      run: async () => help,
    },
    {
      name: "status",
      effect: "none",
      documentation: "Return an s-expression with what is known of all services, for clients such as 'herd'.",
      arity: [0, 0],
      run: async () => {
        const statuses = operations.registry.controllers.map((controller) =>
          controller.name === "root" ? statusOfRoot(controller) : briefStatus(controller, operations),
        );
        return (await Promise.all(statuses)).map(encodeService);
      },
    },
    ...endingActions(operations),
    {
      name: "load",
      effect: "repeatable",
      documentation: "Load services from the TypeScript or JavaScript module FILE.",
      arity: [1, 1],
      run: async ([file], request) => {
        await operations.load(inDirectory(file, request), request);
        return true;
      },
    },
    {
      name: "eval",
      documentation: "Evaluate a JavaScript expression inside shepherd.  This can break it: be careful.",
      arity: [1, 1],
      run: async ([expression], request) => {
        request.say(`Evaluating user expression ${expression ?? ""}.`);
        return await operations.evaluate(expression ?? "", request);
      },
    },
    {
      name: "log-sources",
      effect: "none",
      hidden: true,
      documentation:
        "Between 'herd log' and shepherd: the files with the lines of these SERVICEs, or of all.",
      arity: [0, Number.POSITIVE_INFINITY],
      run: async (services) =>
        encodeLogSources(await logSources(services, operations.registry, operations.logs)),
    },
    {
      name: usageAction,
      effect: "none",
      hidden: true,
      documentation: "Between 'herd top' and shepherd: what each service uses of the machine.",
      arity: [0, 0],
      run: async () => encodeUsage(await usageOfAll(operations.registry.controllers)),
    },
    {
      name: "repl-eval",
      hidden: true,
      documentation:
        "Between the service 'repl' and its clients: evaluate SOURCE for the client process PID.",
      arity: [2, 2],
      run: async ([pid, source]) => {
        const { outcome, text, fresh } = await operations.converse(Number(pid), source ?? "");
        return [outcome, text, fresh];
      },
    },
    {
      name: "unload",
      effect: "repeatable",
      documentation:
        "Stop the service NAME and what depends on it, and remove it; 'all' removes every service but 'root'.",
      arity: [1, 1],
      run: async ([name], request) => {
        await operations.unload(name ?? "", request);
        return true;
      },
    },
    {
      name: "reload",
      effect: "repeatable",
      documentation:
        "Make the services of the module FILE the only ones: those it lacks are stopped and removed, those that run\n" +
        "with another definition get the new one when they are restarted.",
      arity: [1, 1],
      run: async ([file], request) => {
        await operations.reload(inDirectory(file, request), request);
        return true;
      },
    },
    {
      name: "daemonize",
      effect: "none",
      documentation:
        "Refused: shepherd always runs under its keeper, which can be put into the background instead.",
      arity: [0, 0],
      run: async (_args, request) => {
        if (keeper.init) {
          request.say("Running as PID 1, so not daemonizing.");
          return true;
        }
        throw new ActionError(
          "cannot daemonize: shepherd runs under its keeper; start it in the background instead",
        );
      },
    },
    {
      name: "restart",
      effect: "repeatable",
      documentation:
        "Start the shepherd program that is on disk now, over the running services: none is touched. The\n" +
        "configuration is read anew: services that changed get their new definition when they stop, those it has no\n" +
        "more run until they stop, new ones are started; where it is wrong, the old one stays in force.",
      arity: [0, 0],
      run: async (_args, request) => {
        await operations.relaunch();
        request.say("The supervisor starts anew; services are not touched.");
        return true;
      },
    },
    {
      name: "upgrade",
      effect: "repeatable",
      documentation:
        "'upgrade keeper': have the keeper, PID 1, execute its program that is on disk now, in place: its process,\n" +
        "the services and their sockets stay. 'herd upgrade keeper' does the same.",
      arity: [1, 1],
      run: async ([what], request) => {
        if (what !== "keeper") throw new ActionError(`upgrade: expected "keeper", got "${what ?? ""}"`);
        await operations.upgradeKeeper();
        request.say("The keeper runs the program that is on disk now; services are not touched.");
        return true;
      },
    },
    {
      name: "rotate",
      documentation:
        "Put the log files of the services SERVICE... aside and begin new ones; without a name, those of all services\n" +
        "and of shepherd itself. FILE becomes FILE.1, FILE.1 becomes FILE.2, and so on.",
      arity: [0, Number.POSITIVE_INFINITY],
      run: async (services, request) => {
        for (const service of services)
          if (operations.registry.find(service) === undefined) throw new ServiceNotFound(service);
        const files = await operations.rotate(services);
        for (const file of files) request.tell(file);
        return files;
      },
    },
    {
      name: "cd",
      effect: "repeatable",
      documentation: "Change the working directory of shepherd to DIRECTORY.",
      arity: [1, 1],
      run: async ([directory], request) => {
        const path = inDirectory(directory, request);
        try {
          process.chdir(path);
        } catch (error) {
          throw new ActionError(`chdir ${path}: ${errorText(error)}`);
        }
        return true;
      },
    },
  ];
  return new Map(actions.map((action) => [action.name, action]));
}
