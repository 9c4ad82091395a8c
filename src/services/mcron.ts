// Jobs that are run at times: `mcronServiceType` of Guix (Guix manual, "Scheduled Job Execution"). There is no mcron: each
// job is a timer of the supervisor's, so that none is lost or run twice whatever becomes of the supervisor.

import { lookupService } from "../daemon/core.js";
import { type Checks, check, checkValue, fail, show } from "../daemon/definition/check.js";
import { fields, listOf } from "../daemon/definition/fields.js";
import { shepherdAction } from "../daemon/definition/service.js";
import { systemInstant } from "../daemon/timers/clock.js";
import { isTimer } from "../daemon/timers/state.js";
import { upcoming } from "../daemon/timers/view.js";
import { recordConstructor } from "./composition/record.js";
import { serviceExtension, serviceType } from "./composition/service-type.js";
import { lines } from "./configuration-checks.js";
import { shepherdRootServiceType } from "./essential/shepherd-root.js";
import { isJob, type McronJob } from "./mcron-job.js";
import { type ShepherdService, shepherdService } from "./shepherd/service.js";
import { shepherdTimer } from "./shepherd/timer.js";

export {
  type JobOptions,
  job,
  type McronJob,
  nextDay,
  nextHour,
  nextMinute,
  nextSecond,
} from "./mcron-job.js";

/** What `mcronServiceType` runs. What of Guix's record is about the program mcron is not here: there is none. */
export interface McronConfiguration {
  /** Default none. Extensions add theirs. */
  readonly jobs: readonly McronJob[];
  /** Whether what jobs print goes to `logFile`, and not to the supervisor's own log; default true. */
  readonly log: boolean;
  /** Default /var/log/mcron.log. */
  readonly logFile: string;
}

const checks: Checks<McronConfiguration> = {
  jobs: listOf<McronJob>("a list of jobs made by job(…)", isJob),
  log: fields.flag,
  logFile: lines.path,
};

/**
 * The configuration of jobs.
 *
 * @example mcronConfiguration({ jobs: [job("30 2 * * *", "backup /srv", { user: "backup" })] })
 * @throws DefinitionError that names the place, the field and what was expected
 */
export const mcronConfiguration = recordConstructor<McronConfiguration>("mcronConfiguration", checks, {
  jobs: [],
  log: true,
  logFile: "/var/log/mcron.log",
});

/**
 * Names of services for the jobs, in their order: those that were given, and others by what is run.
 *
 * @throws DefinitionError where two were given the same
 */
export function jobNames(jobs: readonly McronJob[]): readonly string[] {
  const given = jobs.flatMap(({ name }) => (name === undefined ? [] : [name]));
  const twice = given.find((name, index) => given.indexOf(name) !== index);
  if (twice !== undefined) fail({ what: "mcron" }, `two jobs are named ${show(twice)}`);
  const taken = new Set(["mcron", ...given]);
  return jobs.map(({ name, text }) => {
    if (name !== undefined) return name;
    const wanted = `mcron-${slug(text)}`;
    let free = wanted;
    for (let number = 2; taken.has(free); number += 1) free = `${wanted}-${number}`;
    taken.add(free);
    return free;
  });
}

/** Letters, digits and dashes, as many as make a name that one likes to type. */
function slug(text: string): string {
  const words = text.toLowerCase().match(/[a-z0-9]+/g) ?? ["job"];
  let short = "";
  for (const word of words) {
    if (short !== "" && short.length + word.length >= 40) break;
    short = short === "" ? word.slice(0, 40) : `${short}-${word}`;
  }
  return short;
}

/** The service `mcron`, and one for each job, which requires it; none at all where there are no jobs. */
export function mcronShepherdServices({
  jobs,
  log,
  logFile,
}: McronConfiguration): readonly ShepherdService[] {
  if (jobs.length === 0) return [];
  const named = jobNames(jobs).map((name, index) => ({ name, job: jobs[index] as McronJob }));
  return [
    shepherdService({
      provision: ["mcron"],
      requirement: ["user-processes"],
      respawn: false,
      retryable: true,
      start: () => true,
      stop: () => false,
      actions: [
        shepherdAction({
          name: "schedule",
          documentation:
            "Display jobs that are going to be run: the next 5, or as many as 'herd schedule mcron N' says.",
          procedure: (_running, count = "5") => schedule(named, count),
        }),
      ],
      documentation: "Run jobs at their times, each as a service that requires this one.",
    }),
    ...named.map(({ name, job }) =>
      shepherdTimer([name], job.schedule, job.action, {
        requirement: ["mcron"],
        documentation: `Run "${job.text}" at its times.`,
        ...(log ? { logFile } : {}),
        ...job.timer,
      }),
    ),
  ];
}

interface NamedJob {
  readonly name: string;
  readonly job: McronJob;
}

/** Each is looked for while the supervisor waits. */
const mostShown = 100;

async function schedule(jobs: readonly NamedJob[], text: string): Promise<boolean> {
  const count = Number(text);
  if (!/^\d+$/.test(text) || count < 1 || count > mostShown) {
    console.log(`${text}: invalid number; expected one from 1 to ${mostShown}`);
    return false;
  }
  const { nextOccurrence } = await import("../daemon/timers/calendar/occurrences.js");
  const runs = jobs.flatMap(({ name, job }) => {
    const state = lookupService(name)?.value;
    // One that is stopped is not going to be run.
    if (!isTimer(state)) return [];
    const policy = { schedule: job.schedule, persistent: false, delay: () => 0, nextOccurrence };
    return upcoming(policy, state, systemInstant(), count).map((time) => ({ time, text: job.text }));
  });
  const next = runs.sort((one, other) => one.time - other.time).slice(0, count);
  for (const { time, text: command } of next) console.log(`${new Date(time).toString()}\n${command}\n`);
  return true;
}

/**
 * Runs jobs at their times. Extensions add a job or a list of them.
 *
 * @example simpleService("my-mcron-job", mcronServiceType, job(nextHour([3]), "guix gc -F 2G"))
 */
export const mcronServiceType = serviceType<
  McronConfiguration,
  McronJob | readonly McronJob[],
  readonly McronJob[]
>({
  name: "mcron",
  extensions: [serviceExtension(shepherdRootServiceType, mcronShepherdServices)],
  compose: (contributions) => contributions.flatMap(jobsOf),
  extend: (configuration, added) =>
    mcronConfiguration({ ...configuration, jobs: [...configuration.jobs, ...added] }),
  defaultValue: mcronConfiguration(),
  description: "Run jobs at times: every day at three, every ten minutes, and so on.",
  valueCheck: mcronConfiguration.check,
});

const jobOrJobs = check<McronJob | readonly McronJob[]>(
  "a job made by job(…), or a list of them",
  (value) => isJob(value) || checks.jobs.matches(value),
);

function jobsOf(contribution: McronJob | readonly McronJob[]): readonly McronJob[] {
  const jobs = checkValue({ what: "service 'mcron'" }, contribution, jobOrJobs, "an extension");
  return isJob(jobs) ? [jobs] : jobs;
}
