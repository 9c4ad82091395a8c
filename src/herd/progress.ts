// How far a start or stop is that takes other services along: a line at the bottom of the terminal while it goes on, which
// is gone afterwards.

import { ProtocolError, type Reply } from "../protocol/messages.js";
import { decodeServices, type ServiceStatus } from "../protocol/service-status.js";
import { ConnectionError } from "./connection-error.js";
import { printable } from "./render/printable.js";
import { some } from "./render/waiting.js";

/** What somebody waits for. */
export interface Undertaking {
  readonly action: "start" | "stop" | "restart";
  /** `root`: all of them. */
  readonly service: string;
}

export interface ProgressMeans {
  /** The status of all services; undefined where there is no answer now. */
  readonly ask: () => Promise<Reply | undefined>;
  /** Writes to the terminal at once. */
  readonly draw: (text: string) => void;
}

/** What takes no longer is not told of. */
const FIRST_AFTER_MS = 500;
/** Between an answer and the next question. */
const EVERY_MS = 500;
/** Of many services a look takes the supervisor's time: so many times what it took passes until the next one. */
const SHARE = 20;
/** The rest of a line too long for the terminal is cut off. */
const WRAP_OFF = "\x1b[?7l";
const WRAP_ON = "\x1b[?7h";
export const CLEAR = "\r\x1b[K";

export function isUndertaking(action: string): action is Undertaking["action"] {
  return action === "start" || action === "stop" || action === "restart";
}

export class Progress {
  readonly #undertaking: Undertaking | undefined;
  readonly #means: ProgressMeans;
  readonly #began = seconds();
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;
  /** What stands there. */
  #text = "";

  /** @param undertaking none: there is nothing to tell, or nobody who sees it */
  constructor(undertaking: Undertaking | undefined, means: ProgressMeans) {
    this.#undertaking = undertaking;
    this.#means = means;
    if (undertaking !== undefined) this.#lookAfter(FIRST_AFTER_MS);
  }

  /** Writes something else to the terminal. */
  aside(write: () => void): void {
    const text = this.#text;
    this.#draw("");
    write();
    this.#draw(text);
  }

  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#draw("");
  }

  #lookAfter(milliseconds: number): void {
    this.#timer = setTimeout(() => {
      const begun = performance.now();
      this.#look().then(
        () => {
          const took = performance.now() - begun;
          if (!this.#isOver) this.#lookAfter(Math.max(EVERY_MS, took * SHARE));
        },
        () => this.end(),
      );
    }, milliseconds);
  }

  async #look(): Promise<void> {
    const services = await this.#services();
    if (this.#isOver || services === undefined || this.#undertaking === undefined) return;
    this.#draw(progressText(this.#undertaking, services, this.#began, seconds()) ?? "");
  }

  async #services(): Promise<readonly ServiceStatus[] | undefined> {
    try {
      const reply = await this.#means.ask();
      return reply === undefined || reply.error !== undefined ? undefined : decodeServices(reply.result);
    } catch (error) {
      if (error instanceof ConnectionError || error instanceof ProtocolError) return undefined;
      throw error;
    }
  }

  #draw(text: string): void {
    if (text === "" && this.#text === "") return;
    this.#text = text;
    this.#means.draw(text === "" ? CLEAR : `${CLEAR}${WRAP_OFF}${text}${WRAP_ON}`);
  }
}

function seconds(): number {
  return Math.floor(Date.now() / 1000);
}

const verbs = { start: "Starting", stop: "Stopping", restart: "Restarting" } as const;

/**
 * Undefined where it is about one service, or about none that is not as it should be.
 *
 * @param began when, in seconds since the epoch
 */
export function progressText(
  { action, service }: Undertaking,
  services: readonly ServiceStatus[],
  began: number,
  now: number,
): string | undefined {
  const concerned = concernedBy(action, service, services).filter(
    // What was down before a restart stays so.
    (one) => action !== "restart" || !isDown(one) || (one.statusChanges[0]?.time ?? 0) >= began,
  );
  const isThere = action === "stop" ? isDown : isUp;
  const there = concerned.filter(isThere).length;
  if (concerned.length < 2 || there === concerned.length) return undefined;
  const transition = action === "stop" ? "stopping" : "starting";
  const busy = concerned.filter(({ status }) => status === transition).map(({ provides }) => provides[0]);
  const how = action === "stop" ? "down" : "up";
  const which = busy.length === 0 ? "" : `; ${transition}: ${some(busy, ", ")}`;
  const what = `${verbs[action]} ${service === "root" ? "all" : service}`;
  const count = `${there} of ${concerned.length} services are ${how}`;
  return printable(`${what}: ${count}${which} (${Math.max(0, now - began)} s)`);
}

/** The service, and what it requires, at first or second hand; for a stop, what requires it so. */
function concernedBy(
  action: Undertaking["action"],
  service: string,
  services: readonly ServiceStatus[],
): readonly ServiceStatus[] {
  const isOurs = ({ provides }: ServiceStatus): boolean => provides[0] !== "root";
  if (service === "root") return services.filter(isOurs);
  const next = action === "start" ? requirements(services) : dependents(services);
  const found = new Set(services.filter(({ provides }) => provides.includes(service)));
  // It grows while it is gone through.
  for (const one of found) for (const other of next(one)) if (isOurs(other)) found.add(other);
  return [...found];
}

type Neighbours = (service: ServiceStatus) => readonly ServiceStatus[];

function requirements(services: readonly ServiceStatus[]): Neighbours {
  const byName = new Map(services.flatMap((one) => one.provides.map((name) => [name, one] as const)));
  return ({ requires }) => requires.map((name) => byName.get(name)).filter((one) => one !== undefined);
}

function dependents(services: readonly ServiceStatus[]): Neighbours {
  const byRequirement = new Map<string, ServiceStatus[]>();
  for (const one of services)
    for (const name of one.requires) {
      const others = byRequirement.get(name);
      if (others === undefined) byRequirement.set(name, [one]);
      else others.push(one);
    }
  return ({ provides }) => provides.flatMap((name) => byRequirement.get(name) ?? []);
}

function isDown({ status }: ServiceStatus): boolean {
  return status === "stopped";
}

/** Running, or done. */
function isUp({ status, oneShot, startupFailures, statusChanges }: ServiceStatus): boolean {
  if (status === "running") return true;
  return oneShot && status === "stopped" && startupFailures.length === 0 && statusChanges.length > 0;
}
