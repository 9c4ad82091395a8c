// Shepherd's own services, all of them, as a machine may have them beside its daemons. Loaded as it is, it keeps its files in
// one directory and touches nothing else; what a machine would write instead stands beside it.

import {
  calendarEvent,
  defineConfig,
  endpoint,
  logRotationService,
  makeInetdConstructor,
  monitoringService,
  replService,
  service,
  systemLogService,
  timerService,
  transientService,
  webService,
} from "shepherd-ts";

const directory = process.env.EXAMPLE_DIRECTORY ?? "/tmp/shepherd-example";

export default defineConfig({
  services: [
    // A machine: systemLogService(), which listens at /dev/log and writes to /var/log.
    systemLogService({
      endpoints: [endpoint(`${directory}/log`, { style: "datagram" })],
      kernelLogFile: false,
      rules: [
        { facility: ["auth", "authpriv"], destination: `${directory}/secure`, stop: true },
        { destination: `${directory}/messages` },
      ],
    }),

    // Every Sunday at 22:00, and at once where a file has more than 10 MB: herd trigger log-rotation, herd files log-rotation
    logRotationService({
      schedule: calendarEvent({ daysOfWeek: ["sunday"], hours: [22], minutes: [0] }),
      compression: "gzip",
      maxSize: 10_000_000,
    }),

    // herd schedule timer at 10:00 -- mpg123 alarm.mp3
    timerService(),

    // herd spawn transient -N build -d /src -- make all
    transientService(),

    // herd log monitoring, herd period monitoring 60
    monitoringService({ period: 3600 }),

    // socat - UNIX:/run/shepherd/repl
    replService(),

    // A page at http://127.0.0.1:7680/ on a machine; here: curl --unix-socket /tmp/shepherd-example/web http://localhost/healthz
    webService({ listen: `${directory}/web` }),

    // For each connection a program, as of old: socat - UNIX:/tmp/shepherd-example/date
    service(["date"], {
      documentation: "Tell whoever connects what time it is.",
      start: makeInetdConstructor(["/bin/date"], [endpoint(`${directory}/date`)]),
    }),
  ],
});
