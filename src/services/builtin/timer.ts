// The service `timer`, which runs programs at times that clients ask for (Shepherd manual, "Timers").

import {
  type CalendarEvent,
  calendarEvent,
  clientCommand,
  command,
  type Interval,
  interval,
  launchService,
  makeTimerConstructor,
  onCalendar,
  type ServiceDefinition,
  service,
  shepherdAction,
  unusedServiceName,
  write,
} from "../../daemon/core.js";
import { parseProgramKeywords } from "./program-keywords.js";

const name = "timer";

/** When a client wants something to be run. */
interface Time {
  readonly schedule: CalendarEvent | Interval;
  /** Whether again and again. */
  readonly repeated: boolean;
}

/**
 * The service `timer`, whose action `schedule` has a command run once, by a transient timer that is forgotten afterwards:
 * `herd schedule timer at 10:00 -- mpg123 alarm.mp3`. Other times are `on EXPRESSION`, as systemd's OnCalendar has it, and
 * `in 10min`; with `every 10min` it is run again and again. These timers require this service, and so end with it. Their
 * environment is shown to nobody.
 */
export function timerService(): ServiceDefinition {
  return service([name], {
    documentation: "Run programs at given times, by transient timers.",
    retryable: true,
    actions: [
      shepherdAction({
        name: "schedule",
        documentation:
          "Schedule a program to run at a specific time.  For example,\n" +
          "'herd schedule timer at 10:00 -- mpg123 alarm.mp3' schedules the command that\n" +
          "follows '--' to run at 10AM.  Instead of 'at TIME' it may be 'on EXPRESSION', a\n" +
          "calendar expression of systemd, 'in 10min', or 'every 10min'.",
        procedure: schedule,
      }),
    ],
  });
}

async function schedule(): Promise<boolean> {
  const given = clientCommand();
  if (given === undefined) throw new Error("schedule: there is no client whose command could be run");
  const [preposition, text, ...words] = given.words;
  const { name: chosen, logFile, ...process } = parseProgramKeywords(given);
  const parse = preposition === undefined ? undefined : prepositions.get(preposition);
  if (parse === undefined || text === undefined) throw new Error("Timer spec lacks 'at TIME'.");
  if (words.length === 0 || words[0] === "") throw new Error("Timer spec lacks a command to run.");
  const time = parse(text);
  const options = {
    ...(time.repeated ? {} : { occurrences: 1 }),
    ...(logFile === undefined ? {} : { logFile }),
  };
  return await launchService(
    service([chosen ?? unusedServiceName(name)], {
      documentation: `Timer for ${write(words)}.`,
      requirement: [name],
      transient: true,
      start: makeTimerConstructor(time.schedule, command(words, process), options),
    }),
  );
}

const prepositions: ReadonlyMap<string, (text: string) => Time> = new Map<string, (text: string) => Time>([
  ["at", (text) => ({ schedule: timeOfDay(text), repeated: false })],
  ["on", (text) => ({ schedule: onCalendar(text), repeated: false })],
  ["in", (text) => ({ schedule: duration(text), repeated: false })],
  ["every", (text) => ({ schedule: duration(text), repeated: true })],
]);

function timeOfDay(text: string): CalendarEvent {
  const [, hours, minutes, seconds = "0"] = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(text) ?? [];
  if (!(Number(hours) < 24 && Number(minutes) < 60 && Number(seconds) < 60))
    throw new Error(`${text}: invalid calendar time specification`);
  return calendarEvent({ hours: [Number(hours)], minutes: [Number(minutes)], seconds: [Number(seconds)] });
}

const units = { s: 1, sec: 1, min: 60, h: 3600, d: 86_400 } as const;

/** Such as `90`, which is seconds, `10min` or `1h30min`. */
function duration(text: string): Interval {
  const parts = [...text.matchAll(/(\d+)(sec|s|min|h|d)?/g)];
  const isWhole = parts.length > 0 && parts.map(([part]) => part).join("") === text;
  const seconds = parts.reduce(
    (sum, [, count, unit = "s"]) => sum + Number(count) * units[unit as keyof typeof units],
    0,
  );
  if (!isWhole || !(seconds >= 1))
    throw new Error(`${text}: invalid duration; expected one such as 90s, 10min, 1h30min or 2d`);
  return interval({ seconds });
}
