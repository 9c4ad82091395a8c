// One probe: whether a port answers, or a command succeeds, within its time. Nothing is left of it, whatever happens.

import { connect } from "node:net";
import type { Host } from "../constructors/host.js";
import { endProcess } from "../constructors/kill.js";
import { spawnSpec } from "../constructors/process-spec.js";
import type { ProcessOptions } from "../definition/types.js";
import { errorText } from "../error-text.js";
import type { ChildRecord } from "../keeper/types.js";
import { describeTermination } from "../processes.js";
import type { CommandProbe, Probe, ProbeAddress } from "./options.js";

const prefix = "probe/";
const SIGKILL = 9;

/** Whose probe it is. */
export interface Probed {
  /** The service's canonical name. */
  readonly name: string;
  readonly options: ProcessOptions;
}

/** Resolves with why it failed, undefined where it succeeded; rejects only where `signal` was aborted. */
export async function runProbe(
  host: Host,
  service: Probed,
  probe: Probe,
  signal: AbortSignal,
): Promise<string | undefined> {
  signal.throwIfAborted();
  if (probe.type === "port") return await connects(probe.address, probe.timeout, signal);
  try {
    return await succeeds(host, service, probe, signal);
  } catch (error) {
    signal.throwIfAborted();
    return errorText(error);
  }
}

function connects(address: ProbeAddress, timeout: number, signal: AbortSignal): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(address);
    const settle = (outcome: () => void): void => {
      clearTimeout(timer);
      signal.removeEventListener("abort", cancel);
      socket.destroy();
      outcome();
    };
    const cancel = (): void => settle(() => reject(signal.reason as Error));
    // A host that swallows what is sent to it would keep the kernel trying for minutes.
    const timer = setTimeout(() => settle(() => resolve(`no answer within ${timeout} s`)), timeout * 1000);
    signal.addEventListener("abort", cancel, { once: true });
    socket.once("connect", () => settle(() => resolve(undefined)));
    // One that comes when all is settled is nobody's business.
    socket.on("error", (error) => settle(() => resolve(errorText(error))));
  });
}

async function succeeds(
  host: Host,
  { name, options }: Probed,
  { command, timeout }: CommandProbe,
  signal: AbortSignal,
): Promise<string | undefined> {
  const identity = await host.resolveIdentity(options);
  signal.throwIfAborted();
  const id = host.processes.nextId(prefix + name);
  // Beside the service's cgroup, which is for what the service itself does.
  const { descriptors = [], cgroup: _, ...spec } = spawnSpec(host, name, id, command, options, identity);
  const timer = `timeout/${id}`;
  let isLate = false;
  const late = (): void => {
    isLate = true;
  };
  // The keeper ends it in time, be there a daemon or not.
  const child = host.outbox.together(() => {
    const spawned = host.processes.spawn(id, {
      ...spec,
      session: "session",
      descriptors: descriptors.filter(({ target }) => target === 2),
    });
    host.deadlines.arm(timer, timeout, late, { child: id, signal: SIGKILL, scope: "group" });
    return spawned;
  });
  const cancel = (): void => {
    host.processes.signal(id, SIGKILL, "group").catch((error: unknown) => host.report(String(error)));
  };
  signal.addEventListener("abort", cancel, { once: true });
  try {
    await child.started;
    const end = await child.ended;
    await endWithAll(host, child);
    signal.throwIfAborted();
    if (end.status === 0) return undefined;
    return isLate ? `did not end within ${timeout} s` : describeTermination(end);
  } finally {
    signal.removeEventListener("abort", cancel);
    host.deadlines.disarm(timer);
  }
}

/** What it has started itself may live on, and have left its group. */
async function endWithAll(
  host: Host,
  { id, pid, start }: Pick<ChildRecord, "id" | "pid" | "start">,
): Promise<void> {
  const process = { type: "process", id, pid, start, command: [] } as const;
  await endProcess(host, process, { signal: SIGKILL, gracePeriod: 0 }, () => undefined);
}

/** Ends the probes that an earlier daemon had begun: nobody waits for their answer. */
export async function endProbes(host: Host, found: readonly ChildRecord[]): Promise<void> {
  const left = found.filter(({ id }) => id.startsWith(prefix));
  await Promise.all(left.map((child) => endWithAll(host, child)));
}
