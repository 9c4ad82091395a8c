// The daemon as a whole: the system, its control socket, its configuration and its log, and what the keeper tells.

import { constants } from "node:os";
import { dirname, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { format } from "node:util";
import { resolveIdentity } from "./accounts.js";
import { BootRecorder } from "./boot-record/recorder.js";
import { afterRepetition } from "./boot-record/repeated.js";
import { runCompiler } from "./compiler-process.js";
import { keepCode } from "./configuration/cache.js";
import { stateDirectory } from "./configuration/directories.js";
import { findAhead, loadCompiled, loadConfiguration } from "./configuration/load.js";
import { Desk } from "./control/desk.js";
import { ActionError, type DispatchContext } from "./control/dispatch.js";
import { Journal } from "./control/journal.js";
import { LauncherServer } from "./control/launcher-server.js";
import { ControlServer } from "./control/server.js";
import { zoneKey } from "./control/zone.js";
import type { Controller } from "./controller/controller.js";
import type { SupervisorFiles } from "./definition/runtime.js";
import { defaultDirectory, inheritedEnvironment } from "./environment.js";
import { errorText } from "./error-text.js";
import { evaluate } from "./evaluate.js";
import { ExitCode } from "./exit-code.js";
import { Hibernation } from "./hibernation/hibernation.js";
import { awakeRequest, hasSlept } from "./hibernation/note.js";
import { whyAwake } from "./hibernation/wakefulness.js";
import { IdleHeap } from "./idle-heap.js";
import { InForce } from "./in-force.js";
import { describeErrno } from "./keeper/errno.js";
import type { Ending, Keeper, KeeperEvent, Parting } from "./keeper/types.js";
import type { DaemonLog } from "./log.js";
import { ServiceLogs } from "./log-streams.js";
import { Compressor } from "./logs/compressor.js";
import { LogWriter } from "./logs/log-writer.js";
import { LogRotation } from "./logs/rotation.js";
import type { RotationPolicy } from "./logs/rotation-policy.js";
import { startLogging } from "./logs/start-logging.js";
import { mainDefinition, mainService } from "./main-service.js";
import type { RefreshNote } from "./notes.js";
import type { DaemonOptions } from "./options.js";
import { reloading, tellManager } from "./readiness/manager.js";
import { rehearseSoon } from "./rehearsal.js";
import { ReplSessions } from "./repl-sessions.js";
import { captureConsole, type Request } from "./request.js";
import { rootActions, rootDefinition } from "./root-service.js";
import { installRuntime } from "./runtime.js";
import { ShutdownSchedule } from "./scheduled-shutdown.js";
import { Shutdown } from "./shutdown.js";
import { whyNotSucceeded } from "./successor.js";
import { System } from "./system.js";
import { unitOperations } from "./unit-operations.js";
import { placesBeside } from "./units/execution/places.js";
import { culpritNote, runAsUserCode } from "./user-code.js";

/** Seconds for a shutdown where neither the command line nor the configuration says. */
const defaultShutdownTimeout = 30;
/**
 * How long, in ms, a module in force may take to be evaluated: services wait for that without a supervisor where it is
 * resumed; generators of units run before it is read anew.
 */
const patience = { resume: 20_000, reread: 300_000 } as const;
/** A configuration that is read anew and kills each daemon that does so is left alone after as many. */
const refreshAttempts = 2;
/** How long, in ms, clients of a daemon that takes over wait at most before they can look at what is there. */
const takeOverPatience = 5000;
/** How long, in ms, they wait at the first start, which may take as long as its services do. */
const firstPatience = 30;

export interface DaemonPaths {
  readonly socket: string;
  /** The keeper's program, as it is on disk now. */
  readonly keeper: string;
  /** The log writer's program. */
  readonly logWriter: string;
  /** The configuration compiler's bundle. */
  readonly compiler: string;
  /** The bundle of the program that compresses old log files. */
  readonly compressor: string;
  /** The bundle of the program that holds a service's terminal. */
  readonly console: string;
}

/** With the names of files that they leave open. */
export type SettledOptions = Omit<DaemonOptions, "bootRecord"> & { readonly bootRecord?: string };

export class Daemon {
  readonly #keeper: Keeper & Parting;
  /** Whether this daemon was woken: it does not tell of itself, or prepare for clients that may never come. */
  readonly #woken: boolean;
  readonly #hibernation: Hibernation | undefined;
  readonly #heap: IdleHeap;
  readonly #options: SettledOptions;
  readonly #log: DaemonLog;
  readonly #writer: LogWriter;
  readonly #logs: ServiceLogs;
  readonly #rotation: LogRotation;
  readonly #system: System;
  readonly #inForce: InForce;
  readonly #root: Controller;
  readonly #control: ControlServer;
  readonly #desk: Desk;
  #launchers: LauncherServer | undefined;
  readonly #shutdown: Shutdown;
  readonly #schedule: ShutdownSchedule;
  readonly #replSessions: ReplSessions;
  readonly #exitCode: ExitCode;
  readonly #recorder: BootRecorder | undefined;
  readonly #files: SupervisorFiles;
  readonly #runtimeDirectory: string;
  /** Resolves when clients are served. */
  readonly ready: Promise<void>;
  #isReady: () => void = () => undefined;
  /** Resolves when what an earlier daemon left is known and under control. */
  readonly #takenOver: Promise<void>;
  #hasTakenOver: () => void = () => undefined;
  #codeKept: Promise<void> | undefined;
  /** What the configuration was compiled to, at the first start. */
  #ahead: Promise<string | undefined> | undefined;
  /** Why only what is data is run; undefined as a rule. */
  #rescue: string | undefined;

  constructor(keeper: Keeper & Parting, options: SettledOptions, paths: DaemonPaths, log: DaemonLog) {
    this.#keeper = keeper;
    this.#woken = hasSlept(keeper.inventory);
    const trim = join(dirname(paths.keeper), "trim.node");
    // The collector changes V8's flags, with which no code goes that was made before.
    this.#heap = new IdleHeap(keeper, trim, {
      onFirstRest: () => void this.#keepCode(),
      // With the pages of Node went what the next client, or the end, has need of.
      onLastRest: () => this.#warmUp(),
    });
    this.#options = options;
    this.#log = log;
    this.#files = {
      controlSocket: paths.socket,
      node: process.execPath,
      programs: dirname(paths.compiler),
    };
    this.ready = new Promise((resolve) => {
      this.#isReady = resolve;
    });
    this.#takenOver = new Promise((resolve) => {
      this.#hasTakenOver = resolve;
    });
    const runtimeDirectory = dirname(paths.socket);
    this.#runtimeDirectory = runtimeDirectory;
    this.#writer = new LogWriter({
      keeper,
      program: paths.logWriter,
      runtimeDirectory: join(runtimeDirectory, "log"),
      onTrouble: (message) => log.error(message),
    });
    const logs = new ServiceLogs(keeper, this.#writer, log, options.logFile);
    this.#logs = logs;
    const environment = inheritedEnvironment(process.env);
    this.#system = new System(
      {
        keeper,
        log,
        logs,
        environment,
        directory: defaultDirectory(process.env),
        resolveIdentity,
        stateDirectory: stateDirectory(process.env, process.getuid?.() ?? 0),
        unitPlaces: placesBeside(paths.socket, environment, keeper.inventory.keeper.started),
        consoles: { runtimeDirectory, program: paths.console },
      },
      {
        settled: (controller) => this.#settled(controller),
        over: (controller) => {
          if (controller.name === this.#inForce.exitWith) this.#exitCode.follow(controller);
          this.#inForce.stopped(controller);
        },
        forgotten: (controller) => {
          logs.forget(controller.name);
          this.#replSessions.forget(controller.name);
          this.#inForce.forget(controller);
        },
        replaced: () => this.#inForce.note(),
      },
    );
    const { registry, supervisor, outbox, notes, host } = this.#system;
    this.#recorder =
      options.bootRecord === undefined ? undefined : new BootRecorder(options.bootRecord, this.#system, log);
    this.#exitCode = new ExitCode(() => {
      const { exitWith } = this.#inForce;
      return exitWith === undefined ? undefined : registry.find(exitWith);
    });
    this.#rotation = new LogRotation({
      writer: this.#writer,
      compressor: new Compressor({
        outbox,
        processes: host.processes,
        program: paths.compressor,
      }),
      resolveIdentity,
      log,
    });
    logs.rotateWith(this.#rotation);
    this.#schedule = new ShutdownSchedule({
      outbox,
      deadlines: this.#system.deadlines,
      notes,
      log: (line) => log.info(line),
      begin: (how) => this.#end(how),
    });
    this.#replSessions = new ReplSessions(registry, this.#system.processes);
    const actions = rootActions({
      registry,
      logs,
      keeper: keeper.inventory.keeper,
      cgroups: () => host.cgroups.description,
      rescue: () => this.#rescue,
      whyAwake: () => this.#hibernation?.why,
      load: (file, request) => this.#inForce.load(file, request),
      reload: (file, request) => this.#reload(file, request),
      unload: (name, request) => this.#unload(name, request),
      evaluate: (expression) => runAsUserCode(`eval ${expression}`, undefined, () => evaluate(expression)),
      converse: (pid, source) => this.#replSessions.evaluate(pid, source),
      shutDown: (how, request) => this.#shutdown.begin(how, request),
      schedule: this.#schedule,
      relaunch: () => this.#relaunch(),
      rotate: (services) => this.#rotate(services, logs),
      upgradeKeeper: () => this.#upgradeKeeper(paths.keeper),
    });
    [this.#root] = registry.register([rootDefinition(actions.values())]) as [Controller];
    this.#inForce = new InForce({
      system: this.#system,
      root: this.#root,
      log,
      read: (file, purpose) =>
        runAsUserCode(`configuration ${file}`, undefined, () =>
          loadConfiguration(
            file,
            {
              runtimeDirectory,
              inForce: this.#inForce.compiled,
              ahead: purpose === "start" ? this.#ahead : undefined,
              runCompiler: (argv) => runCompiler(host, paths.compiler, argv, runtimeDirectory),
            },
            purpose,
          ),
        ),
      readCompiled: ({ file, compiled }, purpose) =>
        runAsUserCode(`configuration ${file}`, undefined, () =>
          loadCompiled(file, compiled, AbortSignal.timeout(patience[purpose]), purpose),
        ),
    });
    const journal = new Journal(outbox, keeper.inventory.notes, (message) => log.error(message));
    const context: DispatchContext = {
      registry,
      supervisor,
      logs,
      root: this.#root,
      rootActions: actions,
      outcome: (id) => journal.outcome(id),
      processTrees: async (controller) => {
        const { processTrees } = await import("./tree/trees.js");
        if (controller !== this.#root) return await processTrees(host, [controller]);
        const others = registry.controllers.filter((one) => one !== controller);
        return await processTrees(host, others, controller);
      },
      stopRoot: (request) => this.#shutdown.begin(this.#endOfRoot(), request),
      log: (line) => log.info(line),
    };
    this.#desk = new Desk(context, journal, outbox, this.#takenOver);
    this.#control = new ControlServer(this.#desk);
    this.#shutdown = new Shutdown({
      supervisor,
      root: this.#root,
      outbox,
      notes,
      log,
      host,
      answered: (limit) => this.#answered(limit),
      timeout: () => options.shutdownTimeout ?? this.#inForce.shutdownTimeout ?? defaultShutdownTimeout,
      exitCode: () => this.#exitCode.final(),
      drainLogs: () => this.#writer.finish(),
    });
    if (options.hibernate === undefined) return;
    this.#hibernation = new Hibernation({
      keeper,
      after: options.hibernate * 1000,
      whyAwake: () => this.#whyAwake(),
      flushed: async (limit) => {
        await Promise.all([log.flushed(limit), this.#keepCode()]);
      },
      log: (line) => log.info(line),
      exit: () => process.exit(0),
    });
  }

  /** So that the next supervisor is not compiled anew. Without it, it only starts later. */
  #keepCode(): Promise<void> {
    this.#codeKept ??= keepCode(process.env, process.getuid?.() ?? 0).catch(() => undefined);
    return this.#codeKept;
  }

  #whyAwake(): string | undefined {
    const { supervisor, registry, notes, host } = this.#system;
    return whyAwake({
      rescue: this.#rescue,
      isChanging: notes.shutdown !== undefined || this.#shutdown.begun || notes.refresh !== undefined,
      isFollowing: supervisor.isBusy,
      isRotating: this.#rotation.isBusy,
      isLogging: this.#writer.runs && this.#log.isFlushed,
      isConversing: this.#replSessions.areOpen,
      memoryOf: host.cgroups.watched,
      listening: this.#launchers === undefined ? 1 : 2,
      services: registry.controllers.filter((controller) => controller !== this.#root),
      isLoose: (controller) => this.#inForce.isLoose(controller),
    });
  }

  /**
   * Brings the daemon into service: what an earlier one left is taken over, else the configuration is loaded.
   *
   * @param launchers the socket of herd's launcher, if there is one; nothing waits for it
   */
  async run(controlDescriptor: number, launchers: Promise<number | undefined>): Promise<void> {
    const { notes, outbox } = this.#system;
    this.#keeper.onEvent((event) => this.#handle(event));
    if (this.#woken) outbox.tell((text) => this.#log.error(text), awakeRequest);
    outbox.tell((text) => this.#log.error(text), { op: "configure", culprit: culpritNote });
    captureConsole(format, (line) => this.#log.info(line));
    const logAccess = {
      rotate: (policy: RotationPolicy) => this.#rotation.run(policy),
      files: (service: string) => this.#logs.files(service),
    };
    const { init } = this.#keeper.inventory.keeper;
    const operations = unitOperations(this.#system, this.#inForce, this.#runtimeDirectory, init);
    installRuntime(this.#system, this.#files, logAccess, operations);
    this.#schedule.resume();
    const { config } = this.#options;
    if (notes.system === undefined && config !== undefined)
      this.#ahead = findAhead(config, this.#runtimeDirectory);
    const cgroups = this.#system.host.cgroups.open();
    const logging = startLogging(this.#writer, this.#options, this.#log);
    // Looked up while the services are taken over: whoever wakes a daemon waits for its launcher's socket.
    const launching = Promise.all([launchers, zoneKey()]);
    launching.catch(() => undefined); // Whoever listens is told.
    const listen = async (): Promise<void> => {
      await this.#control.listen(controlDescriptor);
      this.#isReady();
      this.#listenForLaunchers(launching).catch((error: unknown) => this.#log.error(errorText(error)));
    };
    if (this.#keeper.inventory.keeper.rescue) this.#enterRescue();
    if (notes.shutdown !== undefined) this.#system.supervisor.goDown();
    if (notes.system === undefined) {
      await cgroups;
      this.#hasTakenOver();
      // What Node loads for a server costs as much as the start of some services: they come first, and clients wait.
      const started = this.#firstStart();
      await Promise.race([started, delay(firstPatience, undefined, { ref: false })]);
      await listen();
      await started;
    } else {
      // Clients wait until the services are there again, unless the configuration takes too long to evaluate.
      const takenOver = this.#takeOver(cgroups).finally(() => this.#hasTakenOver());
      await Promise.race([takenOver, delay(takeOverPatience, undefined, { ref: false })]);
      await listen();
      await takenOver;
    }
    if (notes.shutdown !== undefined) await this.#shutdown.resume(notes.shutdown);
    else this.#tellManager("READY=1");
    await logging;
    if (!this.#woken) this.#warmUp();
    this.#hibernation?.begin();
    if (!this.#woken) this.#heap.begin();
  }

  async #listenForLaunchers(launching: Promise<[number | undefined, () => string]>): Promise<void> {
    const [fd, zone] = await launching;
    if (fd === undefined) return;
    this.#launchers = new LauncherServer(this.#desk, zone);
    await this.#launchers.listen({ fd });
  }

  /** Does soon what a client is most likely to ask for. */
  #warmUp(): void {
    this.#launchers?.warmUp(() => this.#harmlessCommand());
    const { host, supervisor } = this.#system;
    rehearseSoon(host, supervisor);
  }

  #harmlessCommand(): readonly string[] {
    const service = this.#system.registry.controllers.find((controller) => controller !== this.#root);
    return ["status", (service ?? this.#root).name];
  }

  /** Resolves when every reply under way was handed to the kernel, or after `limit` ms. */
  async #answered(limit: number): Promise<void> {
    await Promise.all([this.#control.drained(limit), this.#launchers?.drained(limit)]);
  }

  #tellManager(data: Parameters<typeof tellManager>[1]): void {
    tellManager(this.#system.outbox, data, (text) => this.#log.error(text));
  }

  async #reload(...[file, request]: Parameters<InForce["reload"]>): Promise<void> {
    this.#tellManager(reloading());
    try {
      await this.#inForce.reload(file, request);
    } finally {
      this.#tellManager("READY=1");
    }
  }

  /** Also what a daemon does whose predecessor died before its configuration was in force. */
  async #firstStart(): Promise<void> {
    this.#registerMain();
    this.#system.resume();
    const request = this.#system.background();
    const { config } = this.#options;
    if (config === undefined) this.#inForce.note();
    // Nothing is begun any more in the midst of a shutdown.
    if (this.#system.notes.shutdown !== undefined) return;
    const load = config !== undefined && this.#rescue === undefined;
    await Promise.all([
      this.#startMain(request),
      load ? this.#inForce.loadAtStart(config, request) : undefined,
    ]);
    if (!load) return;
    // Nobody waits for it; it reports by itself what is wrong.
    this.#recorder
      ?.record(config, this.#inForce)
      .catch((error: unknown) => this.#log.error(errorText(error)));
  }

  /** The daemon has died too often: this one runs nothing that the user wrote, until it is told to. */
  #enterRescue(): void {
    const culprit = Buffer.from(this.#keeper.inventory.notes.get(culpritNote) ?? "").toString("utf8");
    const doing = culprit === "" ? "" : `; the last one died during: ${culprit}`;
    this.#rescue =
      `the supervisor died too often${doing}. Services go on, and those that are no functions can be started and ` +
      "stopped; the configuration's own code is not run. Mend it, then: herd restart root";
    this.#log.error(`Rescue mode: ${this.#rescue}`);
  }

  /** Services that an earlier daemon ran, under the configuration that was in force, exactly as it was compiled. */
  async #takeOver(cgroups: Promise<void>): Promise<void> {
    const { notes } = this.#system;
    const { refresh } = notes;
    const rescue = this.#rescue !== undefined;
    if (rescue || refresh?.withoutOld === true) this.#inForce.resumeWithoutCode();
    else await this.#inForce.resume();
    this.#registerMain();
    this.#system.registerNoted(
      rescue
        ? "which is not run in rescue mode"
        : "which was lost with the supervisor that had evaluated it, or its module cannot be read",
    );
    this.#inForce.settle();
    await cgroups;
    this.#system.resume();
    // A start of the main program that was under way, or failed, must end as it would have ended.
    const main = this.#system.registry.find(mainService)?.state;
    const hasStarted =
      main?.status === "running" || main?.status === "stopping" || main?.exitStatuses.length !== 0;
    if (!hasStarted && notes.shutdown === undefined) {
      this.#startMain(this.#system.background()).catch((error: unknown) => this.#log.error(errorText(error)));
    }
    const { registry } = this.#system;
    this.#logs.keepOnly((name) => registry.find(name)?.name === name);
    // Whatever kills the daemon then, the next boot is an ordinary one.
    if (rescue && notes.bootRecord !== undefined) await this.#recorder?.remove();
    const isRepeated =
      !rescue &&
      notes.shutdown === undefined &&
      afterRepetition({
        system: this.#system,
        inForce: this.#inForce,
        config: this.#options.config,
        removeRecord: async () => await this.#recorder?.remove(),
        log: this.#log,
      });
    if (!isRepeated && !this.#woken)
      this.#log.info("The supervisor was started anew; services go on as they were.");
    if (refresh === undefined) return;
    if (refresh.attempts < refreshAttempts && !rescue && notes.shutdown === undefined) this.#refresh(refresh);
    else notes.refreshed();
  }

  /** Clients do not wait for this. */
  #refresh(refresh: RefreshNote): void {
    const { notes } = this.#system;
    notes.putRefresh({ ...refresh, attempts: refresh.attempts + 1 });
    this.#inForce
      .refresh(this.#system.background())
      .catch((error: unknown) => this.#log.error(errorText(error)))
      .finally(() => notes.refreshed())
      .catch((error: unknown) => this.#log.error(errorText(error)));
  }

  #registerMain(): void {
    const { command } = this.#options;
    if (command === undefined) return;
    const [terminal] = this.#keeper.inventory.keeper.terminals;
    this.#system.registry.register([mainDefinition(command, terminal)]);
    this.#inForce.exitWith = mainService;
  }

  async #startMain(request: Request): Promise<void> {
    if (this.#options.command === undefined) return;
    if (await this.#system.supervisor.start(mainService, [], request)) return;
    if (this.#shutdown.begun) return;
    // As shells and container runtimes do: 127 is "not found", 126 "cannot be executed".
    const missing = this.#system.registry.get(mainService).state.failure?.includes("No such file") ?? false;
    this.#exitCode.set(missing ? 127 : 126);
    await this.#shutdown.begin("exit", request);
  }

  async #unload(name: string, request: Request): Promise<void> {
    const { registry } = this.#system;
    const targets =
      name === "all"
        ? registry.controllers.filter((controller) => controller !== this.#root)
        : [registry.get(name)];
    for (const controller of targets) {
      if (controller === this.#root) throw new ActionError("cannot unload root: it is shepherd itself");
      await this.#system.remove(controller, request);
    }
  }

  /** The service whose end is the end of everything takes us along. */
  #settled(controller: Controller): void {
    if (controller.name !== this.#inForce.exitWith) return;
    this.#exitCode.follow(controller);
    this.#log.info(`Service ${controller.name} has ended, and everything ends with it.`);
    this.#end("exit");
  }

  #handle(event: KeeperEvent): void {
    this.#heap.stir();
    if (this.#writer.handleEvent(event) || this.#system.handleEvent(event)) return;
    if (event.type === "signal") this.#signalled(event.signal);
    if (event.type === "daemon-restarted") this.#tellRestart(event);
    this.#system.outbox.tell((text) => this.#log.error(text), { op: "acknowledge", event: event.event });
  }

  #tellRestart({ reason, text, deaths }: KeeperEvent & { type: "daemon-restarted" }): void {
    if (reason === "relaunch" || reason === "woken") return;
    const detail = text === "" ? "" : `: ${text}`;
    this.#log.warn(
      `The supervisor ${deathOf[reason]}${detail}; its keeper started it anew (deaths lately: ${deaths}).`,
    );
  }

  #signalled(signal: number): void {
    const { SIGTERM, SIGINT, SIGHUP, SIGPWR } = constants.signals;
    if (signal === SIGPWR) this.#end("power-off");
    else if (signal === SIGTERM || signal === SIGINT || signal === SIGHUP) this.#end(this.#endOfRoot());
  }

  #end(how: Ending): void {
    this.#shutdown
      .begin(how, this.#system.background())
      .catch((error: unknown) => this.#log.error(String(error)));
  }

  /** The end of `root` is the end of a container, and a reboot of a machine, whose PID 1 cannot just exit. */
  #endOfRoot(): Ending {
    const { init, initial } = this.#keeper.inventory.keeper;
    return init && initial ? "reboot" : "exit";
  }

  /** `herd restart root`: the keeper starts the program that is on disk now. The reply goes out first. */
  async #relaunch(): Promise<void> {
    const script = process.argv[1] ?? "";
    const trouble = await whyNotSucceeded(this.#system.host, script);
    if (trouble !== undefined)
      throw new ActionError(`restart: ${script} is not fit to go on with the services: ${trouble}`);
    // Before the reply, so that it holds however this daemon ends; what made rescue mode necessary is not evaluated again.
    this.#system.notes.putRefresh({ attempts: 0, withoutOld: this.#rescue !== undefined });
    setImmediate(() => {
      this.#answered(1000)
        .then(() => this.#log.flushed(1000))
        .then(() => {
          // The next daemon says that it is ready.
          this.#tellManager(reloading());
          return this.#system.outbox.post({ op: "relaunch", reason: "asked for" });
        })
        .then(() => process.exit(0))
        .catch((error: unknown) => this.#log.error(`cannot start anew: ${String(error)}`));
    });
  }

  /** In a frame of its own, which is the keeper's condition. */
  async #upgradeKeeper(program: string): Promise<void> {
    await this.#system.outbox.settled();
    const [result] = await this.#keeper.send([{ op: "replace-keeper", program }]);
    if (result === undefined || result.errno === 0) return;
    throw new ActionError(`upgrade keeper: ${result.text}: ${describeErrno(result.errno)}`);
  }

  /** Log files that several services share are rotated once. */
  async #rotate(services: readonly string[], logs: ServiceLogs): Promise<readonly string[]> {
    const { registry } = this.#system;
    const names = services.length > 0 ? services : registry.controllers.map(({ name }) => name);
    const files: string[] = [];
    const seen = new Set<string>();
    for (const name of new Set(names.map((one) => registry.get(one).name))) {
      const key = logs.files(name).join("\n");
      if (key === "" || seen.has(key)) continue;
      seen.add(key);
      files.push(...(await logs.rotate(name)));
    }
    return files;
  }
}

const deathOf = {
  died: "died",
  silent: "did not answer and was killed",
  malformed: "sent nonsense",
} as const;
