// Seed 003, "Service-Referenz": the essential types, and what becomes of them in the system directory.

import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, describe } from "node:test";
import {
  activationServiceType,
  baseServices,
  bootServiceType,
  etcServiceType,
  fileLikeToSetuidProgram,
  hashOfTree,
  linuxLoadableModuleServiceType,
  plainFile,
  profileServiceType,
  provenanceServiceType,
  service,
  serviceExtensionTarget,
  setuidProgram,
  setuidProgramServiceType,
  simpleService,
  softwarePackage,
  systemServiceType,
} from "../../src/services/system.js";
import { suiteScope } from "../support/harness.js";
import { type OwnRoot, startInOwnRoot, whyNoOwnRoot } from "../support/own-root.js";
import { project } from "../support/project.js";
import { Seed } from "./seed.js";
import { contentsOf, snippetNamed, treeOf, valueIn } from "./systems.js";

const module = `
import {
  etcServiceType, fileLikeToSetuidProgram, operatingSystem, plainFile, profileServiceType, setuidProgramServiceType,
  simpleService, softwarePackage,
} from "shepherd-ts/system";

export default operatingSystem({
  services: [
    simpleService("issue", etcServiceType, [["issue", plainFile("issue", "Willkommen!\\n")]]),
    simpleService("id", setuidProgramServiceType, [fileLikeToSetuidProgram("/usr/bin/id")]),
    simpleService("hello", profileServiceType, [softwarePackage({ name: "hello", prefix: "/opt/hello" })]),
  ],
});
`;

describe("seed 003: essential types", () => {
  const seed = new Seed("003");

  describe("essential types", () => {
    seed.says(
      "Die Wurzel des Dienstgraphen. Davon wird das Systemverzeichnis erzeugt, wie es vom Befehl guix system build zurückgeliefert wird.",
      "system: what extends it is in the directory",
      () => {
        assert.deepEqual(systemServiceType.extensions, []);
        const tree = treeOf([
          simpleService("motto", systemServiceType, [["motto", plainFile("motto", "Eile mit Weile.\n")]]),
        ]);
        assert.equal(contentsOf(tree, "motto"), "Eile mit Weile.\n");
      },
    );
    seed.says(
      "Der Typ des „Boot-Dienstes“, der das Boot-Skript erzeugt.",
      "boot: cleans up, activates, and has the supervisor take over, in this order",
      () => {
        const tree = treeOf(baseServices);
        assert.equal(tree.get("boot")?.kind, "file");
        const { snippets } = JSON.parse(contentsOf(tree, "boot.json") ?? "") as {
          snippets: { name: string }[];
        };
        assert.deepEqual(
          snippets.map(({ name }) => name),
          ["cleanup", "activation", "shepherd"],
        );
        assert.deepEqual(bootServiceType.extensions.map(serviceExtensionTarget), [systemServiceType]);
      },
    );
    seed.says(
      '(list `("issue" ,(plain-file "issue" "Willkommen!\\n")))',
      "etc: /etc/issue has that text",
      () => {
        const issue = plainFile("issue", "Willkommen!\n");
        const services = [simpleService("issue", etcServiceType, [["issue", issue]])];
        assert.equal(contentsOf(treeOf(services), "etc/issue"), "Willkommen!\n");
        assert.deepEqual(snippetNamed(services, "etc").steps, [{ step: "etc" }]);
      },
    );
    seed.says(
      "Der Typ des Dienstes für setuid-Programme, der eine Liste von ausführbaren Dateien ansammelt, die jeweils als G-Ausdrücke übergeben werden und dann zur Menge der setuid- oder setgid-gesetzten Programme auf dem System hinzugefügt werden",
      "setuid-program: programs are made so at activation",
      () => {
        const services = [
          simpleService("ping", setuidProgramServiceType, [fileLikeToSetuidProgram("/usr/bin/ping")]),
          simpleService("mail", setuidProgramServiceType, [
            setuidProgram({ program: "/usr/bin/mail", setuid: false, setgid: true, group: "mail" }),
          ]),
        ];
        const [step, ...others] = snippetNamed(services, "privileged-programs").steps;
        assert.deepEqual(others, []);
        assert.equal(step?.step, "privileged-programs");
        assert.deepEqual(
          step.programs.map(({ program, setuid, setgid, user, group }) => [
            program,
            setuid,
            setgid,
            user,
            group,
          ]),
          [
            ["/usr/bin/mail", false, true, 0, "mail"],
            ["/usr/bin/ping", true, false, 0, 0],
          ],
        );
      },
    );
    seed.says(
      "Der Typ des Dienstes zum Einfügen von Dateien ins Systemprofil – d.h. die Programme unter /run/current-system/profile. Andere Dienste können ihn erweitern, indem sie ihm Listen von ins Systemprofil zu installierenden Paketen übergeben.",
      "profile: links to the programs of packages",
      () => {
        const hello = softwarePackage({ name: "hello", prefix: "/opt/hello" });
        const tree = treeOf([simpleService("hello", profileServiceType, [hello])]);
        assert.equal(contentsOf(tree, "profile/bin/hello"), "→ /opt/hello/bin/hello");
      },
    );
  });

  describe("provenance", () => {
    const source = "export default operatingSystem();\n";
    const services = [service(provenanceServiceType, plainFile("configuration.ts", source))];

    seed.says(
      "Jene Datei entspricht derjenigen, die als Wert für diesen provenance-service-type -Dienst mitgegeben wurde.",
      "configuration.ts, which is a module here and not Scheme, is that file",
      () => assert.equal(contentsOf(treeOf(services), "configuration.ts"), source),
    );
    seed.says(
      "die die zum Erstellen des Systems notwendigen Kanäle beschreibt, sofern diese Information zur Verfügung gestanden hat",
      "no channels.scm, as there are no channels here: what builds a system is this software, whose version is known",
      () => {
        assert.equal(contentsOf(treeOf(services), "channels.scm"), undefined);
        assert.match(
          contentsOf(treeOf(services), "provenance") ?? "",
          /\(channels \(channel \(name shepherd-ts\) \(version "/,
        );
      },
    );
    seed.says(
      "Hierin sind dieselben Informationen enthalten, die auch in den anderen beiden Dateien stehen, aber in einem leichter zu verarbeitenden Format.",
      "provenance: an S-expression",
      () =>
        assert.match(
          contentsOf(treeOf(services), "provenance") ?? "",
          /^\(provenance \(version 0\) \(channels \(channel .*\)\) \(configuration-file "configuration\.ts"\)\)\n$/,
        ),
    );
    seed.says(
      "Übrigens sind Provenienzmetadaten „still“ in dem Sinn, dass ihr Vorhandensein nichts an den Bits ändert, die Ihr System ausmachen, abgesehen von den die Metadaten ausmachenden Bits.",
      "all other files are the same with and without",
      () => {
        const [bare, told] = [treeOf([]), treeOf(services)];
        const added = [...told.keys()].filter((path) => !bare.has(path)).sort();
        assert.deepEqual(added, ["configuration.ts", "provenance"]);
        for (const [path, entry] of bare) assert.deepEqual(told.get(path), entry, path);
      },
    );
    seed.says(
      "die beiden Systeme trotzdem unterschiedliche Metadaten und damit nicht mehr den gleichen Dateinamen im Store",
      "another text of the same system gives another name",
      () => {
        const hashes = [source, `// A remark.\n${source}`].map((text) => hashOfTree(treeOf([], text)));
        assert.notEqual(hashes[0], hashes[1]);
        assert.equal(hashOfTree(treeOf([])), hashOfTree(treeOf([])));
      },
    );
    seed.says(
      "Dieser Dienst wird automatisch zu Ihrer Betriebssystemkonfiguration hinzugefügt, wenn Sie guix system reconfigure , guix system init oder guix deploy benutzen.",
      "added wherever a system is made from a file",
      () => {
        assert.equal(contentsOf(treeOf([], source), "configuration.ts"), source);
        assert.deepEqual(treeOf([], source).get("provenance"), treeOf(services).get("provenance"));
      },
    );
  });

  describe("modules of the kernel", () => {
    seed.says(
      "(simple-service 'installing-module linux-loadable-module-service-type (list module-to-install-1 module-to-install-2))",
      "both are in the kernel's directory",
      () => {
        const [one, other] = [1, 2].map((number) =>
          softwarePackage({
            name: `module-to-install-${number}`,
            prefix: `/opt/module-${number}`,
            programs: [],
          }),
        );
        assert.ok(one !== undefined && other !== undefined);
        const services = [simpleService("installing-module", linuxLoadableModuleServiceType, [one, other])];
        const tree = treeOf(services);
        assert.equal(contentsOf(tree, "kernel/module-to-install-1"), "→ /opt/module-1");
        assert.equal(contentsOf(tree, "kernel/module-to-install-2"), "→ /opt/module-2");
        assert.ok(![...treeOf([]).keys()].some((path) => path.startsWith("kernel")));
      },
    );
    seed.says(
      "Die Module werden nicht geladen. Sie werden nur zum Kernel-Profil hinzugefügt",
      "nothing is done with them at activation",
      () => {
        const module = softwarePackage({
          name: "module-to-install-1",
          prefix: "/opt/module-1",
          programs: [],
        });
        const services = [simpleService("installing-module", linuxLoadableModuleServiceType, [module])];
        assert.deepEqual(valueIn(services, activationServiceType), valueIn([], activationServiceType));
      },
    );
  });

  describe("in a root of its own", { skip: whyNoOwnRoot() }, () => {
    const scope = suiteScope();
    let root: OwnRoot;
    before(async () => {
      root = await startInOwnRoot(scope, {
        command: [join(project.bin, "shepherd"), "system", "boot", "/etc/seed.ts"],
        files: {
          "/etc/seed.ts": { text: module },
          "/opt/hello/bin/hello": { text: "#!/bin/sh\necho Hallo!\n", mode: 0o755 },
        },
      });
      await root.waitFor("all services have been tried", () =>
        /Successfully started \d+ services in the background/.test(root.output),
      );
    });
    after(() => scope.close());

    seed.says(
      "Dieses Beispiel würde bewirken, dass eine Datei /etc/issue auf die angegebene Datei verweist.",
      "/etc/issue has the text that was given",
      async () => assert.equal(await root.ok("cat", "/etc/issue"), "Willkommen!\n"),
    );
    seed.says(
      "dann zur Menge der setuid- oder setgid-gesetzten Programme auf dem System hinzugefügt werden",
      "whoever runs the program is root in it",
      async () => {
        const asNobody = "setpriv --reuid=65534 --regid=65534 --clear-groups";
        assert.equal(await root.shell(`${asNobody} /usr/bin/id -u`), "65534\n");
        assert.equal(await root.shell(`${asNobody} /run/setuid-programs/id -u`), "0\n");
        assert.equal(await root.ok("stat", "-L", "--format=%a %u", "/run/setuid-programs/id"), "4555 0\n");
      },
    );
    seed.says("die Programme unter /run/current-system/profile", "can be run from there", async () =>
      assert.equal(await root.ok("/run/current-system/profile/bin/hello"), "Hallo!\n"),
    );
    seed.says(
      "Dazu werden mehrere Dateien unter /run/current-system erstellt:",
      "the configuration as it was, and what was made of it by whom",
      async () => {
        assert.equal(await root.ok("cat", "/run/current-system/configuration.ts"), module);
        assert.match(await root.ok("cat", "/run/current-system/provenance"), /^\(provenance \(version 0\) /);
      },
    );
  });

  seed.hasNoOther("example", 2, [/^\(simple-service 'installing-module$/gm, /^\(list `.*$/gm]);
});
