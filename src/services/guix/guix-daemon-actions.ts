// What `herd` can do with guix-daemon: change its proxy and the discovery of substitute servers, and ask the store.

import { lookupService, shepherdAction, startService, stopService } from "../../daemon/core.js";
import type { ShepherdAction } from "../shepherd/service.js";
import { shownUri } from "./checks.js";
import { proxyCheck } from "./guix-daemon-record.js";
import type { Overrides } from "./guix-daemon-start.js";
import type { StoreClient } from "./guix-store-client.js";

const name = "guix-daemon";

/** What the actions need of the service that they belong to. */
export interface GuixDaemonControl {
  /** The daemon's socket. */
  readonly socket: string;
  readonly store: StoreClient;
  overrides(): Overrides;
  override(overrides: Overrides): void;
  /** Stops the service, and starts it and what was stopped with it. */
  restart(): Promise<boolean>;
}

/** Stops guix-daemon, if it runs, and starts it again, with the services that require it and ran before. */
export async function restartGuixDaemon(): Promise<boolean> {
  const stopped = await stopService(name);
  const started = await startService(name);
  // Those that were stopped first require the others.
  for (const other of stopped.filter((one) => one !== name).reverse())
    if (lookupService(other) !== undefined) await startService(other);
  return started;
}

export function guixDaemonActions(control: GuixDaemonControl): readonly ShepherdAction[] {
  return [
    shepherdAction({
      name: "set-http-proxy",
      documentation: "Change the HTTP(S) proxy used by 'guix-daemon' and restart it.",
      procedure: (_running, ...words: string[]) => setProxy(control, words),
    }),
    shepherdAction({
      name: "discover",
      documentation: "Enable or disable substitute servers discovery and restart the 'guix-daemon'.",
      procedure: (_running, ...words: string[]) => setDiscover(control, words),
    }),
    shepherdAction({
      name: "valid-path",
      documentation:
        "Tell for each of the given store paths whether it is valid: 'herd valid-path guix-daemon PATH...'.",
      procedure: (running, ...words: string[]) => tellValidity(control, running !== false, words),
    }),
    shepherdAction({
      name: "gc",
      documentation:
        "Collect garbage: 'herd gc guix-daemon [BYTES]' deletes what nobody needs, and stops when BYTES are freed.",
      procedure: (running, ...words: string[]) => collect(control, running !== false, words),
    }),
    shepherdAction({
      name: "verify",
      documentation:
        "Verify the store: 'herd verify guix-daemon [contents] [repair]' also compares contents, and repairs what it can.",
      procedure: (running, ...words: string[]) => verify(control, running !== false, words),
    }),
  ];
}

async function setProxy(control: GuixDaemonControl, words: readonly string[]): Promise<boolean> {
  const [proxy, ...more] = words;
  if (more.length > 0) throw new Error("set-http-proxy: expected one URL, or none");
  if (proxy !== undefined && !proxyCheck.matches(proxy))
    throw new Error(`set-http-proxy: expected ${proxyCheck.expected}, got ${shownUri(proxy)}`);
  console.log(
    proxy === undefined
      ? `Clearing the HTTP(S) proxy of '${name}'...`
      : `Changing the HTTP(S) proxy of '${name}' to ${shownUri(proxy)}...`,
  );
  control.override({ ...control.overrides(), proxy: proxy ?? false });
  return await control.restart();
}

async function setDiscover(control: GuixDaemonControl, words: readonly string[]): Promise<boolean> {
  const [wanted, ...more] = words;
  if ((wanted !== "on" && wanted !== "off") || more.length > 0)
    throw new Error('discover: expected "on" or "off"');
  console.log(`${wanted === "on" ? "Enabling" : "Disabling"} the discovery of substitute servers...`);
  control.override({ ...control.overrides(), discover: wanted === "on" });
  return await control.restart();
}

function mustRun(runs: boolean): void {
  if (!runs) throw new Error(`${name} is not running`);
}

async function tellValidity(
  { socket, store }: GuixDaemonControl,
  runs: boolean,
  paths: readonly string[],
): Promise<boolean> {
  mustRun(runs);
  if (paths.length === 0) throw new Error("valid-path: expected at least one store path");
  let all = true;
  for (const path of paths) {
    const valid = await store.validPath(socket, path);
    console.log(`${path} is ${valid ? "valid" : "not valid"}.`);
    all &&= valid;
  }
  return all;
}

async function collect(
  { socket, store }: GuixDaemonControl,
  runs: boolean,
  [text, ...more]: readonly string[],
): Promise<boolean> {
  mustRun(runs);
  const bytes = text === undefined ? undefined : Number(text);
  const isCount =
    bytes === undefined || (/^\d+$/.test(text ?? "") && Number.isSafeInteger(bytes) && bytes > 0);
  if (more.length > 0 || !isCount) throw new Error("gc: expected a number of bytes from 1 on, or nothing");
  const { items, freed } = await store.collectGarbage(socket, bytes);
  console.log(`${items} store items deleted, ${freed} bytes freed.`);
  return true;
}

async function verify(
  { socket, store }: GuixDaemonControl,
  runs: boolean,
  words: readonly string[],
): Promise<boolean> {
  mustRun(runs);
  const unknown = words.find((word) => word !== "contents" && word !== "repair");
  if (unknown !== undefined)
    throw new Error(`verify: expected "contents", "repair", both or nothing, got ${JSON.stringify(unknown)}`);
  const isWell = await store.verify(socket, words.includes("contents"), words.includes("repair"));
  console.log(isWell ? "The store is well." : "The store has errors.");
  return isWell;
}
