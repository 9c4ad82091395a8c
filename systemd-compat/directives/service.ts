// Directives of [Service].

import { boolean, busName, resettableTimeSpan, timeout, timeSpan } from "../values/basic.js";
import { commands } from "../values/commands.js";
import { path, pidFile } from "../values/files.js";
import { sockets } from "../values/lists.js";
import { count, exitStatuses } from "../values/process.js";
import { oomPolicy } from "../values/resources.js";
import { choice } from "../values/type.js";
import { execDirectives } from "./exec.js";
import { killDirectives, resourceDirectives } from "./resources.js";
import { arranging, core, impossible, limiting, rare, rareResource, standsFor } from "./table.js";

const failureMode = choice(["terminate", "abort", "kill"] as const);

export const serviceDirectives = {
  Type: core(
    // The last of them is younger than the others; who writes it wants it.
    choice(["simple", "exec", "forking", "oneshot", "dbus", "notify", "idle", "notify-reload"] as const),
  ),
  ExitType: rare(choice(["main", "cgroup"] as const)),
  PIDFile: core(pidFile),
  BusName: rare(busName),
  ExecCondition: rare(commands),
  ExecStartPre: core(commands),
  ExecStart: core(commands),
  ExecStartPost: core(commands),
  ExecReload: core(commands),
  ExecStop: core(commands),
  ExecStopPost: core(commands),
  Restart: core(
    choice(["no", "on-success", "on-failure", "on-abnormal", "on-watchdog", "on-abort", "always"] as const),
  ),
  RestartSec: core(timeSpan),
  TimeoutSec: standsFor(["TimeoutStartSec", "TimeoutStopSec"], core(timeout)),
  TimeoutStartSec: core(timeout),
  TimeoutStopSec: core(timeout),
  TimeoutAbortSec: core(resettableTimeSpan),
  TimeoutStartFailureMode: rare(failureMode),
  TimeoutStopFailureMode: rare(failureMode),
  RuntimeMaxSec: rare(timeSpan),
  RuntimeRandomizedExtraSec: rareResource(timeSpan),
  WatchdogSec: rare(timeSpan),
  SuccessExitStatus: core(exitStatuses),
  RestartPreventExitStatus: core(exitStatuses),
  RestartForceExitStatus: rare(exitStatuses),
  PermissionsStartOnly: rare(boolean),
  RootDirectoryStartOnly: arranging(boolean),
  RemainAfterExit: core(boolean),
  GuessMainPID: rare(boolean),
  NonBlocking: rare(boolean),
  FileDescriptorStoreMax: rare(count),
  NotifyAccess: core(choice(["none", "main", "exec", "all"] as const)),
  Sockets: rare(sockets),
  USBFunctionDescriptors: impossible(path),
  USBFunctionStrings: impossible(path),
  OOMPolicy: limiting(oomPolicy),
  ...execDirectives,
  ...killDirectives,
  ...resourceDirectives,
};
