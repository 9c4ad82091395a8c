// What services of definitions come to in a whole system: what the tests of definitions compare field by field.

import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { builtin } from "../../src/daemon/definition/types.js";
import type { UserAccount, UserGroup } from "../../src/services/accounts/records.js";
import type { ActivationStep } from "../../src/services/activation/steps.js";
import { foldServices } from "../../src/services/composition/fold.js";
import type { Service } from "../../src/services/composition/service-type.js";
import { accountServiceType, userAccount, userGroup } from "../../src/services/essential/account.js";
import { activationServiceType } from "../../src/services/essential/activation.js";
import { profileServiceType } from "../../src/services/essential/profile.js";
import {
  type ShepherdConfiguration,
  shepherdRootServiceType,
} from "../../src/services/essential/shepherd-root.js";
import { filePath, filesBelow, type PlainFile } from "../../src/services/files/file-like.js";
import { operatingSystem, operatingSystemServices } from "../../src/services/operating-system.js";
import {
  canonicalName,
  type ShepherdService,
  shepherdServiceFiles,
} from "../../src/services/shepherd/service.js";

/** A system of these services and the essential ones, folded towards what a test asks for. */
export function systemOf(...services: readonly Service[]) {
  const all = operatingSystemServices(operatingSystem({ services }));
  const shepherdServices = (): readonly ShepherdService[] =>
    foldServices<ShepherdConfiguration>(all, { targetType: shepherdRootServiceType }).value.services;
  const contributed = <T>(value: readonly T[], matches: (one: T) => boolean): readonly T[] =>
    value.filter(matches);
  return {
    /** Canonical names of all services. */
    names: () => shepherdServices().map(canonicalName),
    service(name: string): ShepherdService {
      const found = shepherdServices().find(({ provision }) => provision.includes(name));
      assert.ok(
        found !== undefined,
        `no service ${name} among ${shepherdServices().map(canonicalName).join(" ")}`,
      );
      return found;
    },
    user: (name: string): UserAccount | undefined =>
      contributed(foldServices(all, { targetType: accountServiceType }).value, userAccount.isInstance).find(
        (one) => userAccount.isInstance(one) && one.name === name,
      ) as UserAccount | undefined,
    group: (name: string): UserGroup | undefined =>
      contributed(foldServices(all, { targetType: accountServiceType }).value, userGroup.isInstance).find(
        (one) => userGroup.isInstance(one) && one.name === name,
      ) as UserGroup | undefined,
    /** The steps of one service's activation, without defaults. */
    steps(name: string): readonly ActivationStep[] {
      const snippets = foldServices(all, { targetType: activationServiceType }).value;
      const found = snippets.find((one) => one.name === name);
      assert.ok(
        found !== undefined,
        `no activation of ${name} among ${snippets.map((one) => one.name).join(" ")}`,
      );
      return found.steps;
    },
    packages: () => foldServices(all, { targetType: profileServiceType }).value.map(({ name }) => name),
  };
}

/** A service as plain data: what the supervisor is told of it. */
export function described(service: ShepherdService) {
  const { provision, requirement, oneShot, respawn, autoStart, documentation, start, stop, actions } =
    service;
  return {
    provision,
    requirement,
    oneShot,
    respawn,
    autoStart,
    documentation,
    start: start[builtin],
    stop: stop[builtin],
    actions: actions.map(({ name }) => name),
    /** Those that have to be put in place. */
    files: [...new Set(shepherdServiceFiles(service).flatMap(filesBelow).map(filePath))].sort(),
  };
}

/** The steps with the names that files have at run time; undefined fields left out. */
export function plainSteps(steps: readonly ActivationStep[]): readonly unknown[] {
  return steps.map((step) => {
    const entries = Object.entries(step).filter(([, value]) => value !== undefined);
    const named = entries.map(([key, value]) => {
      if (key === "command" && Array.isArray(value)) return [key, (value as never[]).map(filePath)];
      return key === "source" || key === "target" ? [key, filePath(value as never)] : [key, value];
    });
    return Object.fromEntries(named) as unknown;
  });
}

/** What makes an account, without what is left to others. */
export function accountFields(user: UserAccount | undefined) {
  assert.ok(user !== undefined);
  const { group, system, comment, homeDirectory, createHomeDirectory, shell, uid, supplementaryGroups } =
    user;
  return { group, system, comment, homeDirectory, createHomeDirectory, shell, uid, supplementaryGroups };
}

/** The text of a file of the configuration. */
export function textOf(file: unknown): string {
  const { contents } = file as PlainFile;
  assert.equal(typeof contents, "string");
  return contents as string;
}

/** A directory of the test's own, which goes with it. */
export async function temporaryDirectory(scope: {
  after(cleanup: () => Promise<void>): void;
}): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "shepherd-definitions-"));
  scope.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** The stop of services that do not say otherwise. */
export const usualStop = { kind: "kill", signal: 15, gracePeriod: 5 } as const;
