// What is known of a service's process beyond its being there, as part of the service's state: JSON, which the next daemon
// reads.

import type { ConditionStatus } from "../../protocol/condition.js";
import type { Name } from "../keeper/types.js";
import type { Notice } from "./notice.js";

/** Seconds since the epoch. */
type Time = number;

/** How the probes of its health have gone. */
export interface Health {
  /** Since when it is as it is. */
  readonly since: Time;
  /** How many probes have failed in a row. */
  readonly failures: number;
  /** Why the last one failed, where it did. */
  readonly reason?: string;
}

/** Why a process must not run on, and what it was sent for that. */
export interface Condemnation {
  readonly reason: string;
  readonly signal: number;
}

/** All absent until something is known; it is about one run of the service. */
export interface Condition {
  /** It has said READY=1. */
  readonly ready?: boolean | undefined;
  readonly reloading?: boolean | undefined;
  /** It has said that it is about to end. */
  readonly stopping?: boolean | undefined;
  /** What it has said of itself: one printable line. */
  readonly statusText?: string | undefined;
  readonly errno?: number | undefined;
  /** The process that is to be its main one as soon as its parent has left it to the keeper. */
  readonly heir?: { readonly pid: number; readonly start: number } | undefined;
  /** Seconds, as it has asked for instead of what its definition says; 0: none. */
  readonly watchdog?: number | undefined;
  /** The watchdog's time was over, and what it had said until then is to be read before anything is done. */
  readonly overdue?: boolean | undefined;
  /** The time within which it had to be ready was over before it was. */
  readonly late?: boolean | undefined;
  readonly health?: Health | undefined;
  /** It is being ended, and the service is started again. */
  readonly condemned?: Condemnation | undefined;
}

/** What a message tells that is not known already: most of a watchdog's messages are none. */
export function news(notice: Notice, known: Condition): Condition | undefined {
  const { ready, reloading, stopping, statusText, errno, watchdogSeconds, watchdog } = notice;
  const told: Condition = {
    ...(ready === true ? { ready, reloading: undefined } : {}),
    ...(reloading === true ? { reloading } : {}),
    ...(stopping === true ? { stopping } : {}),
    ...(statusText === undefined ? {} : { statusText: statusText === "" ? undefined : statusText }),
    ...(errno === undefined ? {} : { errno }),
    ...(watchdogSeconds === undefined ? {} : { watchdog: watchdogSeconds }),
    ...(watchdog === "alive" ? { overdue: undefined } : {}),
  };
  const isNews = (Object.keys(told) as (keyof Condition)[]).some((key) => told[key] !== known[key]);
  return isNews ? told : undefined;
}

/** What stays to be seen of a run that is over. */
export function afterwards({ health, condemned }: Condition): Condition {
  return condemned === undefined ? {} : { health, condemned };
}

/** What of it a client is told. */
export function conditionStatus(condition: Condition): ConditionStatus {
  const { statusText, reloading, stopping, health, condemned } = condition;
  return {
    ...(statusText === undefined ? {} : { text: statusText }),
    ...(stopping === true ? { phase: "stopping" } : reloading === true ? { phase: "reloading" } : {}),
    ...(health === undefined ? {} : { health: { ...health, since: Math.floor(health.since) } }),
    ...(condemned === undefined ? {} : { condemned: condemned.reason }),
  };
}

/** A descriptor that the service has given into keeping. */
export interface StoredDescriptor {
  /** Its name in the keeper. */
  readonly key: Name;
  /** The service's name for it. */
  readonly name: string;
}
