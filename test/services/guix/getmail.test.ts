// getmail: its rc file word for word, its processes, accounts and directories against the specification's table.

import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { inspect } from "node:util";
import { service, simpleService } from "../../../src/services/composition/service-type.js";
import { plainFile } from "../../../src/services/files/file-like.js";
import { getmail } from "../../../src/services/files/packages.js";
import { softwarePackage } from "../../../src/services/files/software-package.js";
import {
  type GetmailConfiguration,
  getmailConfiguration,
  getmailConfigurationFile,
  getmailDestinationConfiguration,
  getmailOptionsConfiguration,
  getmailRcText,
  getmailRetrieverConfiguration,
  getmailServiceType,
} from "../../../src/services/guix/getmail.js";
import { accountFields, described, plainSteps, systemOf } from "../parts.js";
import { assertProcess, assertRefused, commandOf, startData, untyped } from "./tables.js";

const hidden = "hunter2";
const retriever = getmailRetrieverConfiguration({ server: "imap.example.org", username: "commits" });
const destination = getmailDestinationConfiguration({ type: "Maildir", path: "/srv/mail/" });
const rcfile = getmailConfigurationFile({ retriever, destination });

const one = (given: Partial<GetmailConfiguration> = {}): GetmailConfiguration =>
  getmailConfiguration({ rcfile, ...given });
const systemWith = (...list: readonly GetmailConfiguration[]) => systemOf(service(getmailServiceType, list));

describe("the rc file", () => {
  it("has what was given and the defaults, and leaves out what was not", () =>
    assert.equal(
      getmailRcText(rcfile),
      `[retriever]
type = SimpleIMAPSSLRetriever
server = imap.example.org
username = commits
[destination]
type = Maildir
path = /srv/mail/
[options]
verbose = 1
read_all = true
delete = false
delete_after = 0
delete_bigger_than = 0
max_bytes_per_session = 0
max_message_size = 0
delivered_to = true
received = true
message_log_syslog = false
message_log_verbose = false
`,
    ));

  it("has every field, in the order of the table", () =>
    assert.equal(
      getmailRcText(
        getmailConfigurationFile({
          retriever: getmailRetrieverConfiguration({
            type: "SimplePOP3Retriever",
            server: "pop.example.org",
            username: "a b",
            port: 995,
            password: hidden,
            passwordCommand: ["/usr/bin/pass", 'say "it"'],
            keyfile: "/etc/key",
            certfile: "/etc/cert",
            caCerts: "/etc/ca",
            extraParameters: [
              ["mailboxes", ["INBOX", "Sent"]],
              ["use-peek?", true],
              ["timeout", 60],
            ],
          }),
          destination: getmailDestinationConfiguration({
            type: "MDA_external",
            path: softwarePackage({ name: "mda", prefix: "/opt/mda" }),
            extraParameters: [["arguments", ["-x"]]],
          }),
          options: getmailOptionsConfiguration({
            verbose: 2,
            readAll: false,
            delete: true,
            deleteAfter: 7,
            deleteBiggerThan: 1,
            maxBytesPerSession: 2,
            maxMessageSize: 3,
            deliveredTo: false,
            received: false,
            messageLog: "/var/log/messages",
            messageLogSyslog: true,
            messageLogVerbose: true,
            extraParameters: [["to-address?", "x"]],
          }),
        }),
      ),
      `[retriever]
type = SimplePOP3Retriever
server = pop.example.org
username = a b
port = 995
password = ${hidden}
password_command = ("/usr/bin/pass", "say \\"it\\"", )
keyfile = /etc/key
certfile = /etc/cert
ca_certs = /etc/ca
mailboxes = ("INBOX", "Sent", )
use_peek = true
timeout = 60
[destination]
type = MDA_external
path = /opt/mda
arguments = ("-x", )
[options]
verbose = 2
read_all = false
delete = true
delete_after = 7
delete_bigger_than = 1
max_bytes_per_session = 2
max_message_size = 3
delivered_to = false
received = false
message_log = /var/log/messages
message_log_syslog = true
message_log_verbose = true
to_address = x
`,
    ));

  it("an empty password is none", () =>
    assert.equal(
      getmailRetrieverConfiguration({ server: "a", username: "b", password: "" }).password,
      false,
    ));
});

it("the defaults are Guix's", () => {
  const { package: program, rcfile: _, ...rest } = one();
  assert.equal(program, getmail);
  assert.deepEqual(rest, {
    name: "unset",
    user: "getmail",
    group: "getmail",
    directory: "/var/lib/getmail/default",
    idle: [],
    environmentVariables: [],
    declareAccounts: true,
  });
  assert.deepEqual(getmailServiceType.defaultValue, []);
});

describe("getmailServiceType", () => {
  it("runs a getmail for each configuration, as the table says", () => {
    const system = systemWith(
      one(),
      one({ name: "commits", idle: ["INBOX", "Sent"], environmentVariables: ["PATH=/usr/bin"] }),
    );
    assertProcess(system.service("getmail-unset"), {
      provision: ["getmail-unset"],
      requirement: ["networking"],
      command: [
        "/usr/bin/getmail",
        "--getmaildir=/var/lib/getmail/default",
        "--rcfile=/var/lib/shepherd/getmail/unset.rc",
      ],
      user: "getmail",
      group: "getmail",
      environment: [],
      logFile: "/var/log/getmail-unset",
      secretFiles: ["/var/lib/shepherd/getmail/unset.rc"],
    });
    assert.deepEqual(commandOf(system.service("getmail-commits")), [
      "/usr/bin/getmail",
      "--getmaildir=/var/lib/getmail/default",
      "--idle=INBOX",
      "--idle=Sent",
      "--rcfile=/var/lib/shepherd/getmail/commits.rc",
    ]);
    assert.deepEqual(startData(system.service("getmail-commits")).options.environmentVariables, [
      "PATH=/usr/bin",
    ]);
  });

  it("is one service for what others add, and none where there is nothing", () => {
    const system = systemOf(
      simpleService("mail", getmailServiceType, [one({ name: "a" }), one({ name: "b" })]),
    );
    assert.deepEqual(
      system.names().filter((name) => name.startsWith("getmail")),
      ["getmail-a", "getmail-b"],
    );
    assert.deepEqual(
      systemWith()
        .names()
        .filter((name) => name.startsWith("getmail")),
      [],
    );
  });

  it("has each account once, and none that another service has", () => {
    const system = systemWith(
      one({ name: "a" }),
      one({ name: "b" }),
      one({ name: "c", user: "mail-reader" }),
      one({ name: "d", user: "other", group: "other", declareAccounts: false }),
    );
    for (const user of ["getmail", "mail-reader"])
      assert.deepEqual(accountFields(system.user(user)), {
        group: "getmail",
        system: true,
        comment: "Getmail user",
        homeDirectory: "/var/empty",
        createHomeDirectory: true,
        shell: "/usr/sbin/nologin",
        uid: undefined,
        supplementaryGroups: [],
      });
    assert.equal(system.group("getmail")?.system, true);
    assert.equal(system.user("other"), undefined);
    assert.equal(system.group("other"), undefined);
  });

  it("has its directory, and an rc file that only its user can read", () =>
    assert.deepEqual(plainSteps(systemWith(one({ name: "a", directory: "/srv/getmail" })).steps("getmail")), [
      { step: "directory", path: "/var/lib/shepherd/getmail" },
      { step: "directory", path: "/srv/getmail", owner: "getmail", group: "getmail" },
      {
        step: "file",
        path: "/var/lib/shepherd/getmail/a.rc",
        contents: getmailRcText(rcfile),
        mode: 0o400,
        owner: "getmail",
        group: "getmail",
      },
    ]));

  it("puts a destination in place that is a file of the configuration", () => {
    const script = plainFile("deliver", "#!/bin/sh\n", { mode: 0o555 });
    const file = getmailConfigurationFile({
      retriever,
      destination: getmailDestinationConfiguration({ type: "MDA_external", path: script }),
    });
    assert.equal(described(systemWith(one({ rcfile: file })).service("getmail-unset")).files.length, 1);
  });

  it("shows a password to nobody", () => {
    const secretive = one({
      rcfile: getmailConfigurationFile({
        retriever: getmailRetrieverConfiguration({ server: "a", username: "b", password: hidden }),
        destination,
      }),
    });
    assert.ok(!JSON.stringify(secretive).includes(hidden));
    assert.ok(!inspect(secretive, { depth: 9, showHidden: true }).includes(hidden));
    assert.ok(!JSON.stringify(described(systemWith(secretive).service("getmail-unset"))).includes(hidden));
  });
});

describe("what is wrong with a configuration is said by its field, without secrets", () => {
  const table: readonly [body: () => unknown, message: RegExp][] = [
    [() => getmailRetrieverConfiguration(untyped({})), /fields "server", "username" missing/],
    [
      () => getmailRetrieverConfiguration({ server: "a", username: "b", port: 0 }),
      /field "port": expected a port/,
    ],
    [() => getmailRetrieverConfiguration({ server: "a\nb", username: "b" }), /field "server"/],
    [() => getmailRetrieverConfiguration({ server: "a", username: "b\n[options]" }), /field "username"/],
    [
      () => getmailRetrieverConfiguration({ server: "a", username: "b", password: `${hidden}\n` }),
      /field "password"/,
    ],
    [
      () =>
        getmailRetrieverConfiguration({ server: "a", username: "b", extraParameters: untyped([["a b", 1]]) }),
      /field "extraParameters": expected a list of \[name, value\]/,
    ],
    [
      () =>
        getmailRetrieverConfiguration({
          server: "a",
          username: "b",
          extraParameters: [["key", `${hidden}\n`]],
        }),
      /field "extraParameters": .* not shown/,
    ],
    [() => getmailDestinationConfiguration(untyped({ path: "/x" })), /field "type" missing/],
    [() => getmailDestinationConfiguration({ type: "Maildir", path: "relative" }), /field "path"/],
    [() => getmailOptionsConfiguration({ verbose: 4 }), /field "verbose": expected a number from 0 to 3/],
    [
      () => getmailOptionsConfiguration({ readAll: untyped("yes") }),
      /field "readAll": expected true or false/,
    ],
    [() => getmailConfigurationFile(untyped({ destination })), /field "retriever" missing/],
    [
      () => getmailConfigurationFile({ retriever: untyped({ password: hidden }), destination }),
      /field "retriever": expected a record made by getmailRetrieverConfiguration/,
    ],
    [() => getmailConfiguration(untyped({})), /field "rcfile" missing/],
    [
      () => getmailConfiguration({ rcfile: untyped({ retriever: { password: hidden } }) }),
      /field "rcfile": expected a record made by getmailConfigurationFile/,
    ],
    [() => one({ name: "a b" }), /field "name"/],
    [() => one({ name: "x".repeat(200) }), /field "name": too long/],
    [() => one({ environmentVariables: ["=x"] }), /field "environmentVariables"/],
    [
      () => systemWith(one({ name: "a" }), one({ name: "a" })).names(),
      /two configurations have the name "a"/,
    ],
    [
      () => systemWith(untyped({ password: hidden })).names(),
      /the value: expected a list of records made by/,
    ],
  ];
  for (const [body, message] of table) it(String(message), () => assertRefused(body, message, [hidden]));
});
