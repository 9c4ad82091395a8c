// The expressions whose occurrences are compared with systemd's and croner's: one row each of the table that table.ts prints.

import { cronStringToCalendarEvent } from "../../../../src/daemon/timers/calendar/cron.js";
import {
  type CalendarEvent,
  type CalendarEventOptions,
  calendarEvent,
} from "../../../../src/daemon/timers/calendar/event.js";
import { onCalendar } from "../../../../src/daemon/timers/calendar/on-calendar.js";

export interface Row {
  readonly builder: "calendarEvent" | "cron" | "onCalendar";
  readonly text: string;
  /** What systemd is asked; undefined where it cannot say the same. */
  readonly systemd: string | undefined;
  /** What croner is asked. */
  readonly croner: string | undefined;
  /** In that time zone, unless the expression names one. */
  event(timeZone: string): CalendarEvent;
}

const calendarRow = (options: CalendarEventOptions, systemd: string, croner?: string): Row => ({
  builder: "calendarEvent",
  text: JSON.stringify(options).replaceAll('"', ""),
  systemd,
  croner,
  event: (timeZone) => calendarEvent({ ...options, timeZone }),
});

/** Lists stand for the repetitions of which systemd 252 loses the first time of a day. */
const cronRow = (text: string, systemd?: string, croner: string | undefined = text): Row => ({
  builder: "cron",
  text,
  systemd,
  croner,
  event: (timeZone) => cronStringToCalendarEvent(text, { timeZone }),
});

const onCalendarRow = (text: string, zone?: string): Row => ({
  builder: "onCalendar",
  text: zone === undefined ? text : `${text} ${zone}`,
  systemd: zone === undefined ? text : `${text} ${zone}`,
  croner: undefined,
  event: (timeZone) => (zone === undefined ? onCalendar(text, { timeZone }) : onCalendar(`${text} ${zone}`)),
});

const calendarRows: readonly Row[] = [
  calendarRow({}, "*:*", "* * * * *"),
  calendarRow({ minutes: [0] }, "hourly", "0 * * * *"),
  calendarRow({ hours: [12], minutes: [0] }, "12:00", "0 12 * * *"),
  calendarRow({ seconds: [0, 30], minutes: [15], hours: [6] }, "6:15:00,30", "0,30 15 6 * * *"),
  calendarRow({ daysOfWeek: ["monday", 5], hours: [3], minutes: [10] }, "Mon,Fri 3:10", "10 3 * * MON,FRI"),
  calendarRow({ daysOfMonth: [31], hours: [0], minutes: [0] }, "*-*-31", "0 0 31 * *"),
  calendarRow({ daysOfMonth: [-1], hours: [23], minutes: [59] }, "*-*~1 23:59", "59 23 L * *"),
  calendarRow({ daysOfMonth: [13], daysOfWeek: ["friday"], hours: [0], minutes: [0] }, "Fri *-*-13"),
  calendarRow({ months: [2], daysOfMonth: [29], hours: [8], minutes: [0] }, "*-02-29 8:00", "0 8 29 2 *"),
  calendarRow(
    { months: [2], daysOfMonth: [29], daysOfWeek: ["monday"], hours: [8], minutes: [0] },
    "Mon *-02-29 8:00",
  ),
];

const cronRows: readonly Row[] = [
  cronRow("* * * * *", "*:*"),
  cronRow("*/5 * * * *", "*:0/5"),
  cronRow("0-59/7 * * * *", "*:0,7,14,21,28,35,42,49,56"),
  cronRow("17 * * * *", "*:17"),
  cronRow("25 6 * * *", "6:25"),
  cronRow("47 6 * * 7", "Sun 6:47"),
  cronRow("52 6 1 * *", "*-*-1 6:52"),
  cronRow("0 0-23/5 * * *", "0,5,10,15,20:00"),
  cronRow("0 */5 * * *", "0,5,10,15,20:00"),
  cronRow("*/15 9-17 * * mon-fri", "Mon..Fri 9..17:0/15"),
  cronRow("5,35 1-3,22 * * *", "1..3,22:5,35"),
  cronRow("0 12 * JAN,Jul sat-sun", "Sat,Sun *-1,7-* 12:00"),
  cronRow("30 4 1,15 * 5"),
  cronRow("0 0 13 * fri"),
  cronRow("0 0 31 2 1"),
  // croner takes a star with a step for a restriction, and either day for enough.
  cronRow("0 0 */2 * 1", "Mon *-*-1/2", "0 0 1-31/2 * +1"),
  cronRow("0 0 29 2 *", "*-02-29"),
  cronRow("30 23 31 12 *", "12-31 23:30"),
  cronRow("0 0 * * 0,7", "Sun"),
  cronRow("10 10 * 2-12/5 *", "*-2..12/5-* 10:10"),
  cronRow("@hourly", "hourly"),
  cronRow("@daily", "daily"),
  cronRow("@weekly", "Sun"),
  cronRow("@monthly", "monthly"),
  cronRow("@yearly", "yearly"),
];

/** Every expression of the timers of Debian's packages, then what else the grammar has. */
const onCalendarRows: readonly Row[] = [
  ...["daily", "monthly", "hourly", "weekly", "*-*-* 00,12:00:00", "*-*-* 6:00", "*:0/5", "*-*-* 06:25:00"],
  ...["*-*-* 01:50:00", "*-*-* 07..23:30", "*-*-* 6,18:00", "*-*-* *:20", "*:0/30", "Sun *-*-* 03:10:00"],
  ...["*:0/10", "*-*-* 01:00:00", "*-*-* 04:00:00", "*-*-* *:00:00", "*-*-* *:17,47:00", "*-*-* *:07:07"],
  ...[
    "1:05:00",
    "Sun *-*-1..7 1:00:00",
    "2:00:00",
    "*:53:00",
    "11,23:45:00",
    "Mon,Tue,Wed,Thu,Fri,Sat",
    "Sun",
  ],
  ...["*-*-* *:28:00", "*-*-* *:58:00", "*-*-* 00:08:00", "*-*-* *:28:10", "*-*-* *:58:10", "*-*-* *:25:00"],
  ...["*-*-* *:55:00", "*-*-* 00:10:00", "*-*-* *:25:10", "*-*-* *:55:10", "*-*-* *:09,39:00", "*-*-* 00:05"],
  ...[
    "*-*-* *:05,35:00",
    "*:0/15",
    "*-*-* 00:00:00",
    "*:00/10",
    "00:07:00",
    "*-*-* *:17:00",
    "*-*-1 06:52:00",
  ],
  ...["Mon *-*-* 06:47:00", "yearly", "*-*-* 06,18:00:00"],
  ...["minutely", "quarterly", "semiannually", "annually", "BI-ANNUALLY", "*:*:*", "*:*:0/20", "2:00:*"],
  ...[
    "Mon..Fri *-*-* 09..17:00/15",
    "Sat,Thu,Mon..Wed,Sat..Sun",
    "Mon-Wed 5:00",
    "Wed, 17:48",
    "sunday 7:30",
  ],
  ...["Mon *-05~07/1", "*-02~03", "*-*~1", "*~1 12:00", "*-*~07/3", "*-*~1..4/2", "*-1..3~1,10"],
  ...["Thu,Fri 2027-*-1,5 11:12:13", "Mon,Sun 28-*-* 2,1:23", "2030..2034/2-01-01", "2050/10-6-1 0:00"],
  ...["*-1/2-1,3 *:30:45", "*-*-5/10 0:00", "12..14:10,20,30", "*:5..20/5", "*:2/3", "03-05 08:05:40"],
  ...["Mon *-02-29", "2028-02-29 23:59:59", "2003-03-05 05:40", "69-1-1", "*-12-31 23:59:59"],
].map((text) => onCalendarRow(text));

const zonedRows: readonly Row[] = [
  onCalendarRow("weekly", "Pacific/Auckland"),
  onCalendarRow("daily", "UTC"),
  onCalendarRow("*-*-* 5:00", "America/St_Johns"),
];

export const rows: readonly Row[] = [...calendarRows, ...cronRows, ...onCalendarRows, ...zonedRows];
