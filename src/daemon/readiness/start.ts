// A start's last part: once the program is executed, waiting until the process is ready, or will not be any more.

import { setTimeout as delay } from "node:timers/promises";
import { type Host, mainOf, type StartContext, StartFailure } from "../constructors/host.js";
import type { ProcessOptions } from "../definition/types.js";
import { type Child, describeTermination, type End } from "../processes.js";
import type { Attendant } from "./attendant.js";
import { Bell } from "./bell.js";
import { type Probe, probeText, type SupervisionOptions } from "./options.js";
import { runProbe } from "./probe.js";

/** As systemd's. */
const defaultTimeout = 90;
/** How long, in ms, a process that is ready may take to leave its main process to the keeper. */
const patience = 1000;
/** How often it is tried meanwhile, in ms. */
const interval = 10;

/** What is being started. */
export interface Starting {
  readonly options: ProcessOptions & SupervisionOptions;
  /** What was spawned, or what its pid file names. */
  readonly child: Child;
  /** Seconds since the start began. */
  readonly elapsed: number;
}

/** Resolves with the main process when it is ready; rejects with a StartFailure that says what it was not, and why. */
export async function untilReady(host: Host, context: StartContext, starting: Starting): Promise<Child> {
  const { readiness = "exec", readinessTimeout: timeout = defaultTimeout } = starting.options;
  const { child } = starting;
  if (readiness === "exec") return child;
  const bell = context.attendant?.bell ?? new Bell();
  const limit = { expired: context.attendant?.isLate() ?? false };
  // Runs in the step that acknowledges the timer.
  const expire = (): void => {
    limit.expired = true;
    context.attendant?.setLate();
    bell.ring();
  };
  const ring = (): void => bell.ring();
  const timer = `ready/${child.id}`;
  // An earlier daemon may have armed it, and the process have asked for more time.
  if (!limit.expired && host.deadlines.takeOver(timer, expire) === undefined)
    host.deadlines.arm(timer, Math.max(0, timeout - Math.max(0, starting.elapsed)), expire);
  context.attendant?.onExtend((seconds) => host.deadlines.arm(timer, seconds, expire));
  context.signal.addEventListener("abort", ring, { once: true });
  child.ended.then(ring, ring);
  try {
    if (readiness.type !== "notify") return await answers(host, context, starting, readiness, bell, limit);
    if (context.attendant === undefined)
      throw new StartFailure("a start function cannot wait for a notification");
    return await notified(context, context.attendant, child, bell, limit, timeout);
  } finally {
    context.signal.removeEventListener("abort", ring);
    context.attendant?.onExtend(undefined);
    host.deadlines.disarm(timer);
  }
}

interface Limit {
  readonly expired: boolean;
}

async function answers(
  host: Host,
  { name, signal }: StartContext,
  { options, child }: Starting,
  probe: Probe,
  bell: Bell,
  limit: Limit,
): Promise<Child> {
  const { readinessTimeout = defaultTimeout } = options;
  for (let attempt = 1; ; attempt += 1) {
    signal.throwIfAborted();
    const rung = bell.next();
    const trouble = await runProbe(host, { name, options }, probe, signal);
    if (trouble === undefined) return child;
    const failure = `readiness: ${probeText(probe, options)}: ${trouble}`;
    if (child.end !== undefined)
      throw new StartFailure(`${failure}; the process ${describeTermination(child.end)}`);
    if (limit.expired) throw new StartFailure(`${failure} (tried for ${readinessTimeout} s)`);
    if (attempt === probe.attempts) throw new StartFailure(`${failure} (tried ${times(attempt)})`);
    await pause(probe.interval * 1000, rung);
  }
}

const times = (count: number): string => (count === 1 ? "once" : `${count} times`);

/** Resolves after `ms`, or when it is rung. */
async function pause(ms: number, rung: Promise<void>): Promise<void> {
  const over = new AbortController();
  await Promise.race([rung, delay(ms, undefined, { signal: over.signal }).catch(() => undefined)]);
  over.abort();
}

async function notified(
  { signal }: StartContext,
  attendant: Attendant,
  launcher: Child,
  bell: Bell,
  limit: Limit,
  timeout: number,
): Promise<Child> {
  let readySince: number | undefined;
  for (;;) {
    signal.throwIfAborted();
    const rung = bell.next();
    const heir = await attendant.adoptHeir(launcher);
    const main = heir ?? launcher;
    if (attendant.isReady()) {
      readySince ??= performance.now();
      const waits = attendant.condition.heir !== undefined && performance.now() < readySince + patience;
      if (!waits) return main;
    } else {
      const end = limit.expired ? undefined : endOf(attendant, main);
      if (end !== undefined || limit.expired) {
        // What it had said before is read first.
        await attendant.drained();
        if (attendant.isReady() || (end !== undefined && endOf(attendant, main) === undefined)) continue;
        const what = end === undefined ? `has not said READY=1 within ${timeout} s` : described(end);
        throw new StartFailure(`readiness: process ${main.pid} ${what}${attendant.lastWords}`);
      }
    }
    if (attendant.condition.heir === undefined) await rung;
    else await pause(interval, rung);
  }
}

function described(end: End): string {
  return `${describeTermination(end)} without having said READY=1`;
}

/** How the main process ended; that of a launcher does not matter while another process is to take its place. */
function endOf(attendant: Attendant, main: Child): End | undefined {
  if (attendant.condition.heir !== undefined && !main.id.endsWith(mainOf(""))) return undefined;
  return main.end;
}
