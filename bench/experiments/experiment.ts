// What an experiment is: the services that it needs, and what it measures of a life with them.

import type { Life } from "../life.js";
import type { BenchService, Peer } from "../peers/peer.js";

export interface Measurement {
  /** What was measured; with `size` it names a row of the table. */
  readonly metric: string;
  readonly size?: number;
  readonly value: number;
}

/** What a run was asked for. */
export interface BenchOptions {
  /** Numbers of services. */
  readonly sizes: readonly number[];
  readonly rounds: number;
  /** Only these experiments; absent: all. */
  readonly only?: readonly string[];
  /** Only these peers; absent: all that are there. */
  readonly peers?: readonly string[];
  /** Without the peers that are slow. */
  readonly quick: boolean;
  readonly json?: string;
  /** Seconds of looking at an idle supervisor. */
  readonly idle: number;
}

/** Experiments of the same scenario and size share a life, one after another in the order of the list. */
export interface Scenario {
  readonly name: string;
  readonly asInit?: boolean;
  /** Absent: only one. */
  sizes?(options: BenchOptions): readonly number[];
  /** Why a peer cannot live it, or undefined. */
  refuses?(peer: Peer, size: number): string | undefined;
  services(life: Pick<Life, "stamps" | "helper">, size: number): readonly BenchService[];
  /** Until its services run. */
  begin(life: Life, size: number): Promise<void>;
}

export interface Experiment {
  readonly name: string;
  readonly scenario: Scenario;
  /** Whether it is made only of the peers that name it in `only`. */
  readonly special?: boolean;
  /** How often it is made at most; absent: in every round. */
  readonly rounds?: number;
  /** Whether it is made at this size; absent: always. */
  applies?(size: number): boolean;
  measure(life: Life, size: number, options: BenchOptions): Promise<readonly Measurement[]>;
}

/** A service that stamps when it runs, and then sleeps. */
export function sleeper(
  { stamps, helper }: Pick<Life, "stamps" | "helper">,
  name: string,
  needs: readonly string[] = [],
): BenchService {
  return {
    name,
    command: [helper, "stamp", stamps.file, name, "/bin/sleep", "infinity"],
    needs,
    log: false,
  };
}

export const numbered = (index: number): string => `s${String(index).padStart(4, "0")}`;
