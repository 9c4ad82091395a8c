// What a unit must have as a whole, whatever each of its settings says.

import type { ServiceSettings, SocketSettings } from "./directives.js";
import type { Unit } from "./unit.js";

/** Why the unit cannot be used; nothing where it can. */
export function checkUnit(unit: Unit): readonly string[] {
  switch (unit.type) {
    case "service":
      return checkService(unit.service, unit.unit.SuccessAction !== undefined);
    case "socket":
      return checkSocket(unit.socket);
    case "timer": {
      const { Elapse = [], OnClockChange = false, OnTimezoneChange = false } = unit.timer;
      const never = Elapse.length === 0 && !OnClockChange && !OnTimezoneChange;
      return never ? ["no time at which the timer elapses, such as OnCalendar="] : [];
    }
    case "path":
      return (unit.path.Watch ?? []).length === 0 ? ["no path that is watched, such as PathExists="] : [];
    default:
      return [];
  }
}

export type ServiceType = NonNullable<ServiceSettings["Type"]>;

/** The service's type, also where it does not say. */
export function serviceType({ Type, BusName, ExecStart = [] }: ServiceSettings): ServiceType {
  if (Type !== undefined) return Type;
  if (BusName !== undefined) return "dbus";
  return ExecStart.length === 0 ? "oneshot" : "simple";
}

function checkService(service: ServiceSettings, actsOnSuccess: boolean): string[] {
  const { ExecStart = [], ExecStop = [], Restart = "no", RemainAfterExit = false } = service;
  const type = serviceType(service);
  const problems: string[] = [];
  if (ExecStart.length === 0 && ExecStop.length === 0 && !actsOnSuccess)
    problems.push("neither ExecStart= nor ExecStop=");
  else if (ExecStart.length === 0 && type !== "oneshot")
    problems.push(`no ExecStart=, which Type=${type} needs`);
  else if (ExecStart.length === 0 && !RemainAfterExit && !actsOnSuccess)
    problems.push("no ExecStart=, which only RemainAfterExit=yes does without");
  if (ExecStart.length > 1 && type !== "oneshot")
    problems.push(`${ExecStart.length} commands in ExecStart=, of which Type=${type} has one`);
  if (type === "oneshot" && (Restart === "always" || Restart === "on-success"))
    problems.push(`Restart=${Restart}, with which Type=oneshot would never end`);
  const { codes = [], signals = [] } = service.RestartForceExitStatus ?? {};
  if (type === "oneshot" && codes.length + signals.length > 0)
    problems.push("RestartForceExitStatus=, which Type=oneshot does not have");
  if (type === "oneshot" && service.ExitType === "cgroup")
    problems.push("ExitType=cgroup, which Type=oneshot does not have");
  if (type === "dbus" && service.BusName === undefined) problems.push("no BusName=, which Type=dbus needs");
  const { PAMName, KillMode = "control-group" } = service;
  if (PAMName !== undefined && (KillMode === "process" || KillMode === "none"))
    problems.push(`KillMode=${KillMode}, which would leave processes of PAMName= behind`);
  return problems;
}

/** Kinds of sockets that have connections, which Accept=yes needs. */
function accepts(listener: NonNullable<SocketSettings["Listen"]>[number]): boolean {
  return listener.kind === "stream" || listener.kind === "seqpacket";
}

function checkSocket({
  Listen = [],
  Accept = false,
  MaxConnections = 64,
  Service,
}: SocketSettings): string[] {
  if (Listen.length === 0) return ["nothing that is listened to, such as ListenStream="];
  if (!Accept) return [];
  const problems: string[] = [];
  if (!Listen.every(accepts)) problems.push("Accept=yes for sockets that have no connections");
  if (MaxConnections === 0) problems.push("MaxConnections=0, with which Accept=yes accepts none");
  if (Service !== undefined)
    problems.push("Service= with Accept=yes, whose services have names of their own");
  return problems;
}
