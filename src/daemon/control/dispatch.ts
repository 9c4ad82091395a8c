// From a command to its effect and its reply: the actions that every service has, and a service's own.

import {
  actionException,
  type Command,
  type CommandError,
  isRequestId,
  type Reply,
  type RequestOutcome,
} from "../../protocol/messages.js";
import { encodeTrees, type ServiceTree } from "../../protocol/process-tree.js";
import { encodeService } from "../../protocol/service-status.js";
import { pair, type Sexp, SexpSymbol, sym } from "../../protocol/sexp.js";
import { writeSexp } from "../../protocol/sexp-writer.js";
import { ConfigurationError } from "../configuration/load.js";
import type { Controller } from "../controller/controller.js";
import { DefinitionError } from "../definition/check.js";
import { errorStack, errorText } from "../error-text.js";
import { stamp } from "../log.js";
import { GraphError } from "../registry/graph.js";
import { type Registry, ServiceNotFound } from "../registry/registry.js";
import { type Request, runFor } from "../request.js";
import { type Supervisor, UserCodeError } from "../supervisor.js";
import { runAsUserCode } from "../user-code.js";
import { wordOf } from "./arguments.js";
import { resumeRestart, resumeStart } from "./resumption.js";
import { briefStatus, type LogView, serviceStatus } from "./status.js";
import { toSexp } from "./values.js";

/** What may be done with a request that a daemon had begun when it died. */
export type Effect =
  /** It changes nothing. */
  | "none"
  /** To carry it out again makes no difference to carrying it out once. */
  | "repeatable"
  | "once";

/** An action of `root`, run on the daemon itself. */
export interface RootAction {
  readonly name: string;
  /** Default "once". */
  readonly effect?: Effect;
  readonly documentation: string;
  /** The fewest and the most arguments it takes. */
  readonly arity: readonly [least: number, most: number];
  /** Whether it is between programs of ours, and not listed. */
  readonly hidden?: true;
  run(args: readonly string[], request: Request): Promise<unknown>;
}

/** A message for the client that is not the fault of our code. */
export class ActionError extends Error {
  override readonly name = "ActionError";
}

export interface DispatchContext {
  readonly registry: Registry;
  readonly supervisor: Supervisor;
  readonly logs: LogView;
  readonly root: Controller;
  readonly rootActions: ReadonlyMap<string, RootAction>;
  /** What became of the request that a client had named so. */
  outcome(id: string): RequestOutcome;
  /** The processes of a service; of all for `root`. */
  processTrees(controller: Controller): Promise<readonly ServiceTree[]>;
  /** Stops the whole system. */
  stopRoot(request: Request): Promise<void>;
  log(line: string): void;
}

const commonActions = {
  start: "repeatable",
  stop: "repeatable",
  restart: "repeatable",
  enable: "repeatable",
  disable: "repeatable",
  status: "none",
  doc: "none",
  log: "none",
  tree: "none",
} as const satisfies Readonly<Record<string, Effect>>;
/** The action of those services that can read their configuration anew. */
const reload = "reload";
type CommonAction = keyof typeof commonActions;

/** Actions that have done what was asked once the service is no more. */
const removingActions: ReadonlySet<string> = new Set(["stop", "unload"]);

/** Lines that `herd log SERVICE` gives when nothing else is asked for, and at most. */
const logLines = { usual: 100, most: 10_000 } as const;

/** A command that was understood, to be carried out. */
export interface Work {
  readonly effect: Effect;
  /**
   * Carries the command out; whatever goes wrong becomes an error reply.
   *
   * @param begun when an earlier daemon began it, in seconds since the epoch: what that came to stands
   */
  run(begun?: number): Promise<Reply>;
}

interface Handler {
  readonly effect: Effect;
  run(begun?: number): Promise<Sexp>;
}

export function plan(command: Command, request: Request, context: DispatchContext): Work {
  const reply = (result: Sexp, error?: CommandError): Reply => ({
    result,
    messages: request.messages,
    ...(error === undefined ? {} : { error }),
  });
  const action = command.action instanceof SexpSymbol ? command.action.name : undefined;
  const serviceName = command.service instanceof SexpSymbol ? command.service.name : undefined;
  const isGone = (begun: number | undefined): boolean =>
    begun !== undefined && action !== undefined && removingActions.has(action);
  const controller = serviceName === undefined ? undefined : context.registry.find(serviceName);
  if (controller === undefined) {
    const missing: CommandError = { kind: "service-not-found", service: command.service };
    return { effect: "none", run: async (begun) => (isGone(begun) ? reply([]) : reply(false, missing)) };
  }
  const canonical = sym(controller.name);
  const args = command.arguments.map(wordOf);
  const handler = action === undefined ? undefined : handlerOf(controller, action, args, request, context);
  if (handler === undefined) {
    const missing: CommandError = { kind: "action-not-found", action: command.action, service: canonical };
    return { effect: "none", run: async () => reply(false, missing) };
  }
  const run = async (begun?: number): Promise<Reply> => {
    try {
      return reply(await handler.run(begun));
    } catch (error) {
      if (error instanceof ServiceNotFound) {
        if (isGone(begun)) return reply([true]);
        return reply(false, { kind: "service-not-found", service: sym(error.service) });
      }
      if (error instanceof ActionNotFound) {
        // As the client wrote it, a string, where the command's own action is a symbol.
        return reply(false, { kind: "action-not-found", action: error.action, service: canonical });
      }
      const text = isUsersMistake(error) ? error.message : errorStack(error);
      context.log(`Action ${writeSexp(command.action)} on service ${controller.name} failed: ${text}`);
      return reply(false, actionException(command.action, canonical, errorText(error)));
    }
  };
  return { effect: handler.effect, run };
}

class ActionNotFound extends Error {
  readonly action: string;

  constructor(action: string) {
    super(`no action ${action}`);
    this.action = action;
  }
}

/** What needs no stack trace: the message says all, and the fault is not in our code. */
function isUsersMistake(error: unknown): error is Error {
  return (
    error instanceof ActionError ||
    error instanceof UserCodeError ||
    error instanceof GraphError ||
    error instanceof DefinitionError ||
    error instanceof ConfigurationError
  );
}

function handlerOf(
  controller: Controller,
  action: string,
  args: readonly string[],
  request: Request,
  context: DispatchContext,
): Handler | undefined {
  if (controller === context.root) {
    const rootAction = context.rootActions.get(action);
    if (rootAction !== undefined) {
      return {
        effect: rootAction.effect ?? "once",
        run: async () => {
          checkArity(action, args, ...rootAction.arity);
          return [toSexp(await runFor(request, () => rootAction.run(args, request)))];
        },
      };
    }
    // Between clients and daemons, and so not among the actions that are listed.
    if (action === "request-outcome")
      return { effect: "none", run: async () => [sym(context.outcome(requestIdOf(args)))] };
  }
  // A service's own action comes first: it may define one that has the name of one of ours.
  const own = controller.definition.actions.find(({ name }) => name === action);
  if (own !== undefined && action !== "start" && action !== "stop") {
    return { effect: "once", run: () => runAction(controller, own.name, args, request, context.registry) };
  }
  if (!isCommonAction(action)) return undefined;
  return {
    effect: commonActions[action],
    run: (begun) => runCommonAction(controller, action, args, request, context, begun),
  };
}

function isCommonAction(action: string): action is CommonAction {
  return Object.hasOwn(commonActions, action);
}

function requestIdOf([id, ...rest]: readonly string[]): string {
  if (isRequestId(id) && rest.length === 0) return id;
  throw new ActionError("request-outcome: expected the id of a request");
}

function checkArity(action: string, args: readonly string[], least: number, most: number): void {
  if (args.length >= least && args.length <= most) return;
  const expected = least === most ? `${least}` : `${least} to ${most}`;
  throw new ActionError(`Wrong number of arguments to ${action}: expected ${expected}, got ${args.length}`);
}

/** A reload goes on to those to which it is propagated, as far as they run and can; whether it succeeds there is told. */
async function runAction(
  controller: Controller,
  action: string,
  args: readonly string[],
  request: Request,
  registry: Registry,
): Promise<Sexp> {
  const result = await runOwnAction(controller, action, args, request);
  if (action !== reload) return result;
  // Each once, be it in a circle; the set grows while it is gone through.
  const reached = new Set([controller]);
  for (const one of reached)
    for (const other of registry.named(one, "propagatesReloadTo")) if (canReload(other)) reached.add(other);
  reached.delete(controller);
  await Promise.all(
    [...reached].map((other) =>
      runOwnAction(other, reload, [], request).catch((error: unknown) =>
        request.say(`Failed to reload ${other.name}: ${errorText(error)}`),
      ),
    ),
  );
  return result;
}

function canReload({ state, definition }: Controller): boolean {
  return state.status === "running" && definition.actions.some(({ name }) => name === reload);
}

async function runOwnAction(
  controller: Controller,
  action: string,
  args: readonly string[],
  request: Request,
): Promise<Sexp> {
  const definition = controller.definition.actions.find(({ name }) => name === action);
  if (definition === undefined) throw new ActionNotFound(action);
  const value = controller.state.value ?? false;
  try {
    const result = await runFor(request, () =>
      runAsUserCode(`action ${action} of service ${controller.name}`, undefined, () =>
        definition.procedure(value, ...args),
      ),
    );
    return [toSexp(result ?? true)];
  } catch (error) {
    throw new UserCodeError(error);
  }
}

async function runCommonAction(
  controller: Controller,
  action: CommonAction,
  args: readonly string[],
  request: Request,
  context: DispatchContext,
  begun: number | undefined,
): Promise<Sexp> {
  const { registry, supervisor, logs } = context;
  const { name } = controller;
  const resumable =
    begun === undefined ? undefined : { controller, args, request, registry, supervisor, begun };
  switch (action) {
    case "start": {
      const up = await (resumable === undefined
        ? supervisor.start(name, args, request)
        : resumeStart(resumable));
      return up ? encodeService(briefStatus(controller, context)) : false;
    }
    case "stop": {
      if (controller === context.root) {
        await context.stopRoot(request);
        return [sym(name)];
      }
      const transient = new Set(
        registry.controllers.filter(({ definition }) => definition.transient).map((one) => one.name),
      );
      const stopped = await supervisor.stop(name, args, request);
      for (const one of stopped.filter((other) => transient.has(other)))
        if (registry.find(one) === undefined) request.say(`Transient service ${one} unregistered.`);
      return stopped.map(sym);
    }
    case "restart":
      return [
        await (resumable === undefined ? supervisor.restart(name, args, request) : resumeRestart(resumable)),
      ];
    case "enable":
      checkArity(action, args, 0, 0);
      controller.enable();
      request.say(`Enabled service ${name}.`);
      return [true];
    case "disable":
      checkArity(action, args, 0, 0);
      controller.disable();
      request.say(`Disabled service ${name}.`);
      return [true];
    case "status":
      checkArity(action, args, 0, 0);
      return [encodeService(await serviceStatus(controller, context))];
    case "tree":
      checkArity(action, args, 0, 0);
      return [encodeTrees(await context.processTrees(controller))];
    case "doc":
      return [document(controller, args, request, context)];
    case "log": {
      const count = Math.min(logLines.most, args[0] === undefined ? logLines.usual : countOf(args[0]));
      const lines = await logs.recent(name, count);
      for (const { time, line } of lines) request.tell(`${stamp(new Date(time * 1000))} ${line}`);
      return [lines.map(({ time, line }) => pair(Math.floor(time), line))];
    }
  }
}

function countOf(text: string): number {
  const count = Number(text);
  if (!Number.isInteger(count) || count < 0)
    throw new ActionError(`expected a number of lines, got "${text}"`);
  return count;
}

/** `doc S`, `doc S list-actions`, `doc S action A`. */
function document(
  controller: Controller,
  [keyword, action]: readonly string[],
  request: Request,
  context: DispatchContext,
): boolean {
  const actions: readonly { readonly name: string; readonly documentation: string }[] =
    controller === context.root
      ? [...context.rootActions.values()].filter(({ hidden }) => hidden !== true)
      : controller.definition.actions;
  switch (keyword) {
    case undefined:
    case "full":
    case "short":
      request.say(controller.definition.documentation);
      return true;
    case "list-actions":
      for (const { name, documentation } of actions) request.say(`${name}:\n  ${documentation}\n`);
      return true;
    case "action": {
      if (action === undefined) throw new ActionError("doc action: the name of an action is missing");
      const found = actions.find(({ name }) => name === action);
      if (found === undefined) throw new ActionNotFound(action);
      request.say(`${found.name}: ${found.documentation}`);
      return true;
    }
    default:
      request.say("Unknown keyword.  Try 'herd help'.");
      return true;
  }
}
