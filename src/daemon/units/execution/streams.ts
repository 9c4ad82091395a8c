// Standard input, output and error of a unit's process: where they come from, and what is opened for that. Files are
// opened by the keeper, as root and not as the unit's user, and closed again when the process has them.

import { constants } from "node:fs";
import type { ServiceSettings } from "../../../../systemd-compat/directives.js";
import type { StandardInput, StandardOutput } from "../../../../systemd-compat/values/streams.js";
import { show } from "../../definition/check.js";
import type { DescriptorSource, Name, Request, SpawnSpec } from "../../keeper/types.js";
import type { Step } from "../../processes.js";
import { defaultUmask } from "./defaults.js";
import type { CommandRequest, Phase } from "./types.js";

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_APPEND, O_TRUNC, O_NOCTTY } = constants;

const console = "/dev/console";
const kernelLog = "/dev/kmsg";
/** The keeper's names of files that are open for a process that is about to be. */
export const streamPrefix = "stream/";

export interface Streams {
  readonly descriptors: NonNullable<SpawnSpec["descriptors"]>;
  readonly terminal?: NonNullable<SpawnSpec["terminal"]>;
  readonly step: Step;
}

export interface StreamParts extends Pick<CommandRequest, "id" | "phase" | "listen" | "connection"> {
  /** The keeper's name of the service's log pipe. */
  readonly log: Name;
  /** The file with what `StandardInput=data` gives. */
  readonly inputFile: string;
  /** Whether the kernel's log takes messages; the service's own log does so otherwise. */
  readonly kernelLog: boolean;
}

/** Where a stream comes from; undefined: from /dev/null. */
type Source = DescriptorSource | undefined;

/** Commands that may read from the unit's terminal: the others could take it from the one that is to have it. */
const terminalPhases: ReadonlySet<Phase> = new Set(["condition", "start-pre", "start", "stop-post"]);

export function isTerminal(input: StandardInput | undefined): boolean {
  return input?.kind === "tty" || input?.kind === "tty-force" || input?.kind === "tty-fail";
}

/** Streams that go both ways: output goes where input comes from, where nothing else is said. */
function goesBothWays(input: StandardInput | undefined): boolean {
  return isTerminal(input) || input?.kind === "socket" || input?.kind === "fd";
}

const journal: StandardOutput = { kind: "journal", console: false };

interface Wanted {
  readonly input: StandardInput;
  readonly output: StandardOutput;
  readonly error: StandardOutput;
}

/** What the unit asks for, with what is taken where it says nothing. */
export function wantedStreams(settings: ServiceSettings): Wanted {
  const { StandardInput: given = { kind: "null" }, InputData: data } = settings;
  const input: StandardInput =
    given.kind === "null" && data !== undefined && data.length > 0 ? { kind: "data" } : given;
  const { StandardOutput: output = { kind: "inherit" }, StandardError: error = { kind: "inherit" } } =
    settings;
  return {
    input,
    output: output.kind === "inherit" && !goesBothWays(input) ? journal : output,
    error,
  };
}

/** Whether a unit's processes have something to do with a terminal, and its variable TERM. */
export function needsTerminal(settings: ServiceSettings): boolean {
  const { input, output, error } = wantedStreams(settings);
  return settings.TTYPath !== undefined || isTerminal(input) || output.kind === "tty" || error.kind === "tty";
}

export function terminalPath({ TTYPath: path }: ServiceSettings): string {
  return path ?? console;
}

/** @throws Error where a descriptor is asked for that the process does not get */
export function streamsOf(settings: ServiceSettings, parts: StreamParts): Streams {
  return new StreamMaker(settings, parts).make();
}

class StreamMaker {
  readonly #settings: ServiceSettings;
  readonly #parts: StreamParts;
  readonly #opens: Request[] = [];
  readonly #names: Name[] = [];

  constructor(settings: ServiceSettings, parts: StreamParts) {
    this.#settings = settings;
    this.#parts = parts;
  }

  make(): Streams {
    const wanted = wantedStreams(this.#settings);
    const { phase } = this.#parts;
    const takesTerminal = isTerminal(wanted.input) && terminalPhases.has(phase);
    const input = this.#input(wanted);
    const output = this.#output(wanted, input);
    const error = this.#error(wanted, output);
    const sources: readonly (readonly [target: number, source: Source])[] = [
      [0, input],
      [1, output],
      [2, error],
    ];
    return {
      descriptors: sources.flatMap(([target, source]) => (source === undefined ? [] : [{ target, source }])),
      ...(takesTerminal ? { terminal: { path: terminalPath(this.#settings) } } : {}),
      step: {
        before: this.#opens,
        after: this.#names.map((name): Request => ({ op: "close", name })),
      },
    };
  }

  #open(target: 0 | 1 | 2, path: string, flags: number): Source {
    const name = `${streamPrefix}${this.#parts.id}/${target}`;
    const mode = 0o666 & ~(this.#settings.UMask ?? defaultUmask);
    this.#opens.push({ op: "open", name, path, flags: flags | O_NOCTTY, mode });
    this.#names.push(name);
    return { name };
  }

  #input({ input, output, error }: Wanted): Source {
    switch (input.kind) {
      case "null":
        return undefined;
      case "socket":
        return this.#socket();
      case "fd":
        return this.#descriptor(input.name, "StandardInput");
      case "data":
        return this.#open(0, this.#parts.inputFile, O_RDONLY);
      case "file": {
        // One that is read and written is open once, so that both are at the same place in it.
        const isShared = [output, error].some((one) => one.kind === "file" && one.path === input.path);
        return this.#open(0, input.path, isShared ? O_RDWR | O_CREAT : O_RDONLY);
      }
      default:
        return terminalPhases.has(this.#parts.phase)
          ? this.#open(0, terminalPath(this.#settings), O_RDWR)
          : undefined;
    }
  }

  #output({ input, output }: Wanted, opened: Source): Source {
    if (output.kind === "file" && input.kind === "file" && input.path === output.path) return opened;
    if (output.kind !== "inherit" && !(output.kind === "socket" && this.#socket() === undefined))
      return this.#target(1, output);
    if (isTerminal(input) && opened === undefined)
      return this.#open(1, terminalPath(this.#settings), O_WRONLY);
    return input.kind === "data" || input.kind === "file" ? undefined : opened;
  }

  #error({ input, output, error }: Wanted, written: Source): Source {
    const isSame =
      error.kind === "inherit" ||
      (error.kind === "socket" && this.#socket() === undefined) ||
      ("path" in error && "path" in output && error.kind === output.kind && error.path === output.path);
    if (isSame) return written;
    if (error.kind === "file" && input.kind === "file" && input.path === error.path)
      return { name: `${streamPrefix}${this.#parts.id}/0` };
    return this.#target(2, error);
  }

  #target(target: 1 | 2, output: StandardOutput): Source {
    const directive = target === 1 ? "StandardOutput" : "StandardError";
    switch (output.kind) {
      case "tty":
        return this.#open(target, terminalPath(this.#settings), O_WRONLY);
      case "socket":
        return this.#socket();
      case "fd":
        return this.#descriptor(output.name, directive);
      case "kmsg":
        return this.#parts.kernelLog ? this.#open(target, kernelLog, O_WRONLY) : { name: this.#parts.log };
      case "journal":
        return { name: this.#parts.log };
      case "file":
        return this.#open(target, output.path, O_WRONLY | O_CREAT);
      case "append":
        return this.#open(target, output.path, O_WRONLY | O_CREAT | O_APPEND);
      case "truncate":
        return this.#open(target, output.path, O_WRONLY | O_CREAT | O_TRUNC);
      default:
        return undefined;
    }
  }

  /** The connection, or the one socket that the process gets. */
  #socket(): Source {
    const { connection, listen = [] } = this.#parts;
    const name = connection ?? listen[0]?.name;
    return name === undefined ? undefined : { name };
  }

  #descriptor(wanted: string, directive: string): Source {
    const { listen = [], phase } = this.#parts;
    const found = listen.find(({ as }) => as === wanted);
    if (found !== undefined) return { name: found.name };
    // Only what the unit is gets its sockets.
    if (phase !== "start") return undefined;
    throw new Error(
      `${directive}=fd:${wanted}: none of the unit's sockets has the name ${show(wanted)} (FileDescriptorName=)`,
    );
  }
}

/** What the variable TERM says of a terminal; the supervisor's own is the console. */
export function terminalType(path: string, inherited: string | undefined): string {
  if (path === console && inherited !== undefined && inherited !== "") return inherited;
  return /^\/dev\/tty\d+$/.test(path) ? "linux" : "vt220";
}
