// Runs experiments over all peers in turn, round after round, and gathers the figures.

import type { BenchOptions, Experiment, Scenario } from "./experiments/experiment.js";
import { experiments } from "./experiments/index.js";
import { Life, Unable, type Workshop } from "./life.js";
import { type Peer, slowMost } from "./peers/peer.js";
import type { Sample } from "./table.js";

/** Why a figure is missing. */
export interface Missing {
  readonly peer: string;
  readonly what: string;
  readonly why: string;
}

export interface Outcome {
  readonly samples: Sample[];
  readonly missing: Missing[];
}

export interface Comparison {
  readonly peers: readonly Peer[];
  readonly workshop: Workshop;
  readonly options: BenchOptions;
  readonly report: (line: string) => void;
  /** Told the life that begins, so that it can be ended whatever happens. */
  readonly lives: (life: Life) => void;
}

export async function compare(comparison: Comparison): Promise<Outcome> {
  const { options, peers } = comparison;
  const outcome: Outcome = { samples: [], missing: [] };
  const chosen = experiments.filter(({ name }) => options.only?.includes(name) ?? true);
  for (const scenario of new Set(chosen.map((one) => one.scenario))) {
    for (const size of scenario.sizes?.(options) ?? [0]) {
      const made: readonly Experiment[] = chosen.filter(
        (one) => one.scenario === scenario && (one.applies?.(size) ?? true),
      );
      for (let round = 0; round < options.rounds; round += 1) {
        // Each is the first in its turn: who follows whom may matter.
        const turned = [...peers.slice(round % peers.length), ...peers.slice(0, round % peers.length)];
        for (const peer of turned) {
          const wanted = made.filter(
            ({ name, special = false, rounds = options.rounds }) =>
              round < rounds && (peer.only?.includes(name) ?? !special),
          );
          if (wanted.length === 0) continue;
          await live({ comparison, outcome, scenario, size, round, peer }, wanted);
        }
      }
    }
  }
  return outcome;
}

/** Seconds: a longer life is lived in one round alone, unless the peer is asked for by name. */
const longLife = 20;

interface Turn {
  readonly comparison: Comparison;
  readonly outcome: Outcome;
  readonly scenario: Scenario;
  readonly size: number;
  readonly round: number;
  readonly peer: Peer;
}

/** One life: its scenario begins, and each experiment measures. */
async function live(turn: Turn, wanted: readonly Experiment[]): Promise<void> {
  const { comparison, outcome, scenario, size, round, peer } = turn;
  const { options } = comparison;
  const what = size === 0 ? scenario.name : `${scenario.name}, N = ${size}`;
  const miss = (where: string, why: string): void => {
    const known = outcome.missing.some((one) => one.peer === peer.name && one.what === where);
    if (!known) outcome.missing.push({ peer: peer.name, what: where, why });
    comparison.report(`${where}, ${peer.name}: ${why}`);
  };
  // What has failed in one round would take its time to fail in the next.
  if (outcome.missing.some((one) => one.peer === peer.name && one.what === what)) return;
  const asked = options.peers?.includes(peer.name) ?? false;
  const spared = peer.slow === true && !asked;
  if (spared && round > 0) return;
  const refusal = spared && size > slowMost ? "left out for its slowness" : scenario.refuses?.(peer, size);
  if (refusal !== undefined) return miss(what, refusal);
  try {
    if (round === 0 && peer.warms === true) await withLife(turn, (life) => warm(turn, life));
    const begin = performance.now();
    await withLife(turn, async (life) => {
      await scenario.begin(life, size);
      for (const experiment of wanted) {
        const here = `${experiment.name}${size === 0 ? "" : `, N = ${size}`}`;
        try {
          const measured = await experiment.measure(life, size, comparison.options);
          const samples = measured.map((one) => ({ peer: peer.name, round, ...one }));
          outcome.samples.push(...samples);
          comparison.report(`${here}, ${peer.name}, round ${round + 1}: ${brief(samples)}`);
        } catch (error) {
          if (!(error instanceof Unable)) throw error;
          miss(here, error.message);
        }
      }
    });
    const seconds = (performance.now() - begin) / 1000;
    if (seconds > longLife && !asked && options.rounds > 1)
      miss(what, `one round, since it took ${Math.round(seconds)} s`);
  } catch (error) {
    // One peer's failure must not end a run of hours.
    miss(what, error instanceof Unable ? error.message : String(error));
  }
}

/** The first life of a configuration, which fills caches. */
async function warm({ scenario, size, round, peer, outcome }: Turn, life: Life): Promise<void> {
  await scenario.begin(life, size);
  await life.warmed();
  const last = life.startTimes().at(-1);
  if (scenario.name !== "sleepers" || last === undefined) return;
  outcome.samples.push({
    peer: peer.name,
    round,
    metric: "first boot, exec to all running, ms",
    size,
    value: last,
  });
}

async function withLife(
  { comparison, scenario, size, peer }: Turn,
  use: (life: Life) => Promise<void>,
): Promise<void> {
  const life = new Life(
    peer,
    comparison.workshop,
    `${scenario.name}-${size}`,
    (ground) => scenario.services(ground, size),
    scenario.asInit,
  );
  comparison.lives(life);
  try {
    await use(life);
  } finally {
    await life.close();
  }
}

function brief(samples: readonly Sample[]): string {
  return [...new Set(samples.map(({ metric }) => metric))]
    .map((metric) => {
      const values = samples.filter((sample) => sample.metric === metric).map(({ value }) => value);
      return `${metric} ${values.map((value) => Number(value.toPrecision(3))).join(" ")}`;
    })
    .join("; ");
}
