// The life of one Debian service under its own unit, in a machine of its own: start, use, reload, a kill, stop.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { type OwnRoot, startInOwnRoot } from "../support/own-root.js";
import { statusField } from "../support/processes.js";
import { project } from "../support/project.js";
import type { AcceptanceCase } from "./cases.js";

export type Verdict = "yes" | "no" | "–";

export interface LifeReport {
  readonly name: string;
  readonly unit: string;
  readonly type: string;
  readonly up: Verdict;
  readonly user: Verdict;
  readonly reload: Verdict;
  /** Up again after its main process was killed, where its unit says so. */
  readonly respawned: Verdict;
  readonly stopped: Verdict;
  /** Milliseconds that `systemctl start` took, and `systemctl stop`. */
  readonly start?: number;
  readonly stop?: number;
  /** What went wrong, in order. */
  readonly troubles: readonly string[];
  /** What the machine said, for who looks for the reason. */
  readonly output: string;
}

/** Seconds. */
const patience = { probe: 10, respawn: 15, stop: 100 } as const;
/** Of DynamicUser=. */
const dynamicUsers = { lowest: 61184, highest: 65519 } as const;

/** Nothing is enabled in it: what is tested is started by name. */
const target = "[Unit]\nDescription=What is tested\nAllowIsolate=yes\n";
const configuration = `import { systemdUnits } from "shepherd-ts/systemd";
export default { services: await systemdUnits({ target: "acceptance" }) };
`;

interface Scope {
  after(end: () => Promise<void>): void;
}

/** What is PID 1: we, or the systemd of the root, which is the reference. */
export type Init = "ours" | "systemd";

const inits: Readonly<
  Record<Init, { readonly command: readonly [string, ...string[]]; readonly systemctl: string }>
> = {
  ours: {
    command: [join(project.bin, "shepherd"), "--config=/etc/shepherd/acceptance.ts"],
    systemctl: join(project.bin, "systemctl"),
  },
  systemd: {
    command: [
      "env",
      "container=machine",
      "/lib/systemd/systemd",
      "--system",
      "--unit=acceptance.target",
      "--show-status=0",
    ],
    systemctl: "systemctl",
  },
};

/** Boots a machine over `root`. */
export async function bootMachine(scope: Scope, root: string, init: Init): Promise<OwnRoot> {
  const machine = await startInOwnRoot(scope, {
    over: root,
    full: true,
    command: inits[init].command,
    files: {
      "/etc/shepherd/acceptance.ts": { text: configuration },
      "/etc/systemd/system/acceptance.target": { text: target },
      // What is left of the machine that the packages were installed on.
      "/etc/resolv.conf": { text: "" },
    },
  });
  await machine.waitFor("the system is up", async () => {
    const { stdout } = await machine.run([inits[init].systemctl, "is-system-running"]);
    const isReading = init === "systemd" || (await machine.herd("status", "systemd")).status === 0;
    return isReading && /^(running|degraded)/.test(stdout);
  });
  return machine;
}

export async function live(
  scope: Scope,
  root: string,
  one: AcceptanceCase,
  init: Init = "ours",
): Promise<LifeReport> {
  const troubles: string[] = [];
  const machine = await bootMachine(scope, root, init);
  const before = new Set(machine.processes().map(({ pid }) => pid));
  const systemctl = async (...args: string[]): Promise<{ ok: boolean; stdout: string; time: number }> => {
    const begun = performance.now();
    const { status, stdout, stderr } = await machine.run([inits[init].systemctl, ...args], {
      timeout: patience.stop * 1000,
    });
    const time = performance.now() - begun;
    if (status !== 0 && args[0] !== "show")
      troubles.push(`systemctl ${args.join(" ")}: exit ${status}: ${(stderr || stdout).trim().slice(-300)}`);
    return { ok: status === 0, stdout, time };
  };
  const property = async (unit: string, name: string): Promise<string> =>
    (await systemctl("show", "-p", name, "--value", unit)).stdout.trim();
  const probe = async (): Promise<boolean> =>
    (await machine.run(["sh", "-c", one.probe], { timeout: 10_000 })).status === 0;
  const within = async (seconds: number, condition: () => Promise<boolean>): Promise<boolean> => {
    const end = performance.now() + seconds * 1000;
    for (;;) {
      if (await condition()) return true;
      if (performance.now() > end) return false;
      await delay(50);
    }
  };
  if (one.prepare !== undefined) await machine.shell(one.prepare);

  const service = one.service ?? one.unit;
  const started = await systemctl("start", one.unit);
  if (one.kind === "socket" && (await property(one.service ?? one.unit, "MainPID")) > "0")
    troubles.push("the service runs before there is a connection");
  const up = started.ok && (await within(patience.probe, probe));
  if (started.ok && !up) troubles.push("the probe fails");
  const type = one.kind === "socket" && one.service === undefined ? "" : await property(service, "Type");
  const main = async (): Promise<number> => {
    const inner = Number(await property(service, "MainPID"));
    return machine.processes().find((process) => process.inner === inner && inner > 0)?.pid ?? 0;
  };
  const hasMain = up && one.kind !== "oneshot" && (one.kind !== "socket" || one.service !== undefined);

  let user: Verdict = "–";
  if (hasMain) {
    const uid = Number(statusField(await main(), "Uid")?.split(/\s+/)[1] ?? "NaN");
    user = isUser(machine, one.user ?? "root", uid) ? "yes" : "no";
    if (user === "no") troubles.push(`the main process runs as user ${uid}, expected ${one.user ?? "root"}`);
  }

  let reload: Verdict = "–";
  if (
    up &&
    one.kind !== "socket" &&
    one.reload !== false &&
    (await property(service, "CanReload")) === "yes"
  ) {
    const { ok } = await systemctl("reload", service);
    reload = ok && (await within(patience.probe, probe)) ? "yes" : "no";
    if (ok && reload === "no") troubles.push("the probe fails after the reload");
  }

  let respawned: Verdict = "–";
  const policy = hasMain ? await property(service, "Restart") : "no";
  const isSoon = Number(await property(service, "RestartUSec").then(seconds)) < patience.respawn - 5;
  if (["always", "on-failure", "on-abnormal", "on-abort", "on-watchdog"].includes(policy) && isSoon) {
    const victim = await main();
    if (victim === 0) troubles.push("there is no main process to kill");
    else process.kill(victim, "SIGKILL");
    const expected = policy !== "on-watchdog";
    const isBack = await within(patience.respawn, async () => {
      const next = await main();
      return next > 0 && next !== victim && (await probe());
    });
    respawned = isBack === expected ? "yes" : "no";
    if (respawned === "no") troubles.push(`Restart=${policy}: it is not up again after a kill`);
  }

  const last = hasMain ? await main() : 0;
  const stopped = await systemctl("stop", ...(one.kind === "socket" ? [one.unit, service] : [service]));
  const left = async (): Promise<string[]> => {
    const others = machine.processes().filter(({ pid, state }) => !before.has(pid) && state !== "Z");
    // What was pulled in with it, such as the message bus, has units of its own.
    const theirs = others.filter(({ pid }) => (one.wakes ? pid === last : belongsTo(pid, service)));
    return theirs.map(({ command }) => command.join(" "));
  };
  const isGone = await within(2, async () => (await left()).length === 0);
  if (!isGone) troubles.push(`left behind: ${(await left()).join(" | ")}`);
  const isSilent = one.kind === "oneshot" || one.wakes || !(await probe());
  if (!isSilent) troubles.push("the probe succeeds after the stop");
  return {
    name: one.name,
    unit: one.unit,
    type,
    up: up ? "yes" : "no",
    user,
    reload,
    respawned,
    stopped: stopped.ok && isGone && isSilent ? "yes" : "no",
    start: started.time,
    stop: stopped.time,
    troubles,
    output: machine.output,
  };
}

/** `1min 30s` and the like, of which only `s`, `ms` and `min` occur. */
function seconds(text: string): number {
  const parts = [...text.matchAll(/([\d.]+)(us|ms|s|min|h)/g)];
  const factors: Readonly<Record<string, number>> = { us: 1e-6, ms: 1e-3, s: 1, min: 60, h: 3600 };
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * (factors[unit ?? "s"] ?? 1), 0);
}

function isUser(machine: OwnRoot, name: string, uid: number): boolean {
  if (name === "dynamic") return uid >= dynamicUsers.lowest && uid <= dynamicUsers.highest;
  const passwd = readFileSync(`/proc/${machine.init()}/root/etc/passwd`, "utf8");
  return new RegExp(`^${name}:[^:]*:${uid}:`, "m").test(passwd);
}

/** Whether a process bears the mark of a service, or is in its cgroup. */
function belongsTo(pid: number, service: string): boolean {
  const stem = service.replace(/\.service$/, "");
  try {
    const environment = readFileSync(`/proc/${pid}/environ`, "utf8");
    const cgroup = readFileSync(`/proc/${pid}/cgroup`, "utf8");
    return environment.includes(`.${encodeURIComponent(stem)}%23`) || cgroup.includes(`/${stem}`);
  } catch {
    return false; // It is gone.
  }
}
