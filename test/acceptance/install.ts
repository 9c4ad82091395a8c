// Debian's packages, installed by apt in a machine whose PID 1 is ours and whose systemctl is our own. As a program, it prints
// what apt says and what is up then:
//
//   npm run acceptance:install -- [PACKAGE…]

import { join } from "node:path";
import { findDebian } from "../support/debian.js";
import { type OwnRoot, startInOwnRoot } from "../support/own-root.js";
import { project } from "../support/project.js";

interface Scope {
  after(end: () => Promise<void>): void;
}

/** All that a container needs to have for its packages' services to be ours. */
const configuration = `import { systemdUnits } from "shepherd-ts/systemd";
export default { services: await systemdUnits({ target: "multi-user" }) };
`;

/** Boots a machine over a directory with a small Debian. */
export async function bootDebian(scope: Scope, root: string): Promise<OwnRoot> {
  const machine = await startInOwnRoot(scope, {
    over: root,
    full: true,
    command: [join(project.bin, "shepherd"), "--config=/etc/shepherd/configuration.ts"],
    files: { "/etc/shepherd/configuration.ts": { text: configuration } },
  });
  // As an image of such a system has them: without an init, Debian's invoke-rc.d starts nothing.
  for (const name of ["systemctl", "systemd-tmpfiles", "systemd-sysusers"])
    await machine.ok("ln", "-s", join(project.bin, name), `/usr/bin/${name}`);
  await machine.ok("ln", "-s", join(project.bin, "shepherd"), "/sbin/init");
  await machine.waitFor("the system is up", async () => {
    const { stdout } = await machine.run(["systemctl", "is-system-running"]);
    return /^(running|degraded)/.test(stdout);
  });
  return machine;
}

/** What apt printed; rejects where it fails. The packages were downloaded before. */
export async function install(machine: OwnRoot, packages: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await machine.run(
    ["apt-get", "-y", "-o", "Dpkg::Use-Pty=0", "--no-install-recommends", "install", ...packages],
    { timeout: 300_000, env: { ...machine.environment, DEBIAN_FRONTEND: "noninteractive" } },
  );
  if (status !== 0) throw new Error(`apt-get: exit ${status}\n${stdout}\n${stderr}\n${machine.explain()}`);
  return stdout + stderr;
}

if (process.argv[1] === import.meta.filename) {
  const given = process.argv.slice(2);
  const packages = given.length === 0 ? ["nginx", "postgresql"] : given;
  const debian = await findDebian(packages);
  if (typeof debian === "string") throw new Error(debian);
  const ends: (() => Promise<void>)[] = [];
  try {
    const machine = await bootDebian({ after: (end) => void ends.push(end) }, debian.root);
    process.stdout.write(`# apt-get install ${packages.join(" ")}\n${await install(machine, packages)}`);
    for (const command of ["systemctl list-units --no-pager", "herd status"])
      process.stdout.write(`# ${command}\n${await machine.shell(command)}`);
  } finally {
    for (const end of ends.reverse()) await end();
  }
}
