// Pino, which makes the records of the supervisor's own log: a bundle of its own, since nothing at the start waits for it.

export { pino } from "pino";
