// Time spans, numbers, signals, limits, addresses, capabilities: tables, and systemd's own word on each.
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { test } from "node:test";
import { isAccountName } from "../../../systemd-compat/parser/account-name.js";
import { capabilities, parseCapability } from "../../../systemd-compat/parser/capability.js";
import { parseLimit } from "../../../systemd-compat/parser/limits.js";
import {
  parseBoolean,
  parseInteger,
  parseMode,
  parseShare,
  parseSize,
} from "../../../systemd-compat/parser/number.js";
import {
  exitStatusName,
  parseExitStatus,
  parseSignal,
  signalName,
} from "../../../systemd-compat/parser/signal.js";
import { parseSocketAddress } from "../../../systemd-compat/parser/socket-address.js";
import { parseNanoseconds, parseTimeSpan } from "../../../systemd-compat/parser/time-span.js";
import { noSystemd } from "../../daemon/timers/calendar/oracles.js";
import { type Answer, ask, noLibrary, type Question } from "../oracles/libsystemd.js";
import { randomTexts } from "../oracles/random.js";

const day = 86_400;

const spans: readonly (readonly [text: string, seconds: number | undefined])[] = [
  ["5min 20s", 320],
  ["5 minutes", 300],
  ["1h30m", 5400],
  ["2", 2],
  ["500ms", 0.5],
  ["1.5h", 5400],
  [".5", 0.5],
  ["1d", day],
  ["2w", 14 * day],
  ["1M", 2_629_800],
  ["1y", 31_557_600],
  ["3us", 0.000003],
  ["7µs", 0.000007],
  ["infinity", Number.POSITIVE_INFINITY],
  ["", undefined],
  ["soon", undefined],
  ["-1", undefined],
  ["1.5.5", undefined],
  ["5minx", undefined],
  ["300000y 300000y", undefined],
];

for (const [text, seconds] of spans)
  test(`time span ${JSON.stringify(text)}`, () => assert.equal(parseTimeSpan(text), seconds));

test("nanoseconds have units of their own", () => {
  assert.equal(parseNanoseconds("50us"), 50_000);
  assert.equal(parseNanoseconds("7"), 7);
  assert.equal(parseNanoseconds("3ns"), 3);
});

test("accounts", () => {
  for (const name of ["root", "www-data", "_apt", "0", "1000", "a.b", "user with blank", "-x"])
    assert.ok(isAccountName(name), name);
  for (const name of ["", ".", "..", "a:b", "a/b", "65535", "4294967295", "-1", "-", " a", "00", "a\nb"])
    assert.ok(!isAccountName(name), name);
});

test("socket addresses have parts", () => {
  assert.deepEqual(parseSocketAddress("80"), { family: "any", port: 80 });
  assert.deepEqual(parseSocketAddress("127.0.0.1:80"), { family: "ipv4", host: "127.0.0.1", port: 80 });
  assert.deepEqual(parseSocketAddress("[::1]:80"), { family: "ipv6", host: "::1", port: 80 });
  assert.deepEqual(parseSocketAddress("[fe80::1]:80%lo"), {
    family: "ipv6",
    host: "fe80::1",
    port: 80,
    interface: "lo",
  });
  assert.deepEqual(parseSocketAddress("/run/x"), { family: "unix", path: "/run/x" });
  assert.deepEqual(parseSocketAddress("@x"), { family: "abstract", name: "x" });
  assert.deepEqual(parseSocketAddress("vsock::5"), { family: "vsock", port: 5 });
});

test("signals and statuses have names", () => {
  assert.equal(signalName(15), "SIGTERM");
  assert.equal(signalName(37), "SIGRTMIN+3");
  assert.equal(exitStatusName(65), "DATAERR");
});

/** Compares what we make of each text with what systemd makes of it. */
function compare(
  name: string,
  texts: readonly string[],
  question: (text: string) => Question,
  ours: (text: string) => string | undefined,
): void {
  test(`${name}: ${texts.length} texts mean what they mean to systemd`, { skip: noLibrary }, () => {
    const answers = ask(texts.map(question));
    for (const [index, text] of texts.entries())
      assert.equal(ours(text), first(answers[index]), JSON.stringify(text));
  });
}

function first(answer: Answer | undefined): string | undefined {
  return typeof answer === "number" ? undefined : answer?.join(" ");
}

function number(value: number | undefined): string | undefined {
  return value === undefined
    ? undefined
    : String(value === Number.POSITIVE_INFINITY ? 18446744073709551615n : value);
}

const digits = ["0", "1", "5", "12", ".", " ", "-", "+", "x"];

compare(
  "time spans",
  [
    ...spans.map(([text]) => text),
    ...randomTexts(4, 2000, [...digits, "s", "ms", "m", "min", "h", "d", "us", "M", "infinity"], 5),
  ],
  (text) => ["time-span", text],
  (text) => {
    const seconds = parseTimeSpan(text);
    return seconds === undefined || seconds === Number.POSITIVE_INFINITY
      ? number(seconds)
      : String(Math.round(seconds * 1e6));
  },
);

compare(
  "sizes",
  [
    "64K",
    "1G 512M",
    "1.5M",
    "0",
    "",
    "1MB",
    "16E",
    "512 K",
    ...randomTexts(5, 2000, [...digits, "K", "M", "G", "B"], 5),
  ],
  (text) => ["size", text, "1024"],
  (text) => number(parseSize(text)),
);

compare(
  "booleans",
  ["yes", "no", "True", "FALSE", "on", "off", "1", "0", "y", "N", "t", "f", "", "2", "yes ", "maybe"],
  (text) => ["boolean", text],
  (text) => {
    const flag = parseBoolean(text);
    return flag === undefined ? undefined : flag ? "1" : "0";
  },
);

compare(
  "modes",
  ["0755", "755", "0", "7777", "10000", "", "8", "+7", " 7", "0x7", "u+x", "02755"],
  (text) => ["mode", text],
  (text) => number(parseMode(text)),
);

compare(
  "shares",
  ["0%", "99%", "100%", "101%", "12.5%", "12.55%", "12.555%", "5", "5 %", "1000‰", "12.5‰", "10000‱", "%"],
  (text) => ["permyriad", text],
  (text) => {
    const share = parseShare(text);
    return share === undefined ? undefined : String(Math.round(share * 10_000));
  },
);

const signalTexts = Array.from({ length: 70 }, (_, index) => String(index - 2));
const signalNames = Array.from({ length: 64 }, (_, index) => index + 1)
  .filter((one) => one !== 32 && one !== 33)
  .flatMap((one) => [signalName(one), signalName(one).slice(3)]);

compare(
  "signals",
  [
    ...signalTexts,
    ...signalNames,
    "term",
    "SIGFOO",
    "",
    "RTMAX",
    "RTMAX-3",
    "RTMAX+1",
    "RTMIN+31",
    "SIGIOT",
    "0x9",
    "SIG9",
  ],
  (text) => ["signal", text],
  (text) => number(parseSignal(text)),
);

compare(
  "exit statuses",
  ["0", "255", "256", "-1", "010", "0x10", "", "SUCCESS", "FAILURE", "DATAERR", "EXEC", "SIGKILL", "success"],
  (text) => ["exit-status", text],
  (text) => number(parseExitStatus(text)),
);

const limits: readonly (readonly [resource: Parameters<typeof parseLimit>[0], text: string])[] = [
  ...["1024", "1024:infinity", "infinity", "5:3", ":5", "5:", "1k", "-1", "0x10", ""].map(
    (text) => ["nofile", text] as const,
  ),
  ...["64M", "1G:2G", "infinity:1G", "1.5K", "5"].map((text) => ["memlock", text] as const),
  ...["5min", "1.5", "500ms", "infinity", "10"].map((text) => ["cpu", text] as const),
  ...["5", "5s", "10ms", "infinity"].map((text) => ["rttime", text] as const),
  ...["0", "20", "40", "41", "+5", "-5", "+20", "-21"].map((text) => ["nice", text] as const),
];

test("limits mean what they mean to systemd", { skip: noLibrary }, () => {
  const answers = ask(limits.map(([resource, text]) => ["resource-limit", resource.toUpperCase(), text]));
  for (const [index, [resource, text]] of limits.entries()) {
    const limit = parseLimit(resource, text);
    const ours = limit === undefined ? undefined : `${number(limit.soft)} ${number(limit.hard)}`;
    assert.equal(ours, first(answers[index]), `${resource} ${text}`);
  }
});

compare(
  "socket addresses",
  [
    ...[
      "80",
      "0",
      "65535",
      "65536",
      "0x50",
      "http",
      "",
      "1.2.3.4:5",
      "1.2.3.4",
      "1.2.3.4:0",
      "1.2.3:5",
      "[::]:80",
    ],
    ...[
      "[::1]:80",
      "[fe80::1]:80%lo",
      "::1:80",
      "[::1]80",
      "/run/x",
      "/run/../x",
      `/${"x".repeat(107)}`,
      "x/y",
    ],
    ...["@", "@x", `@${"x".repeat(107)}`, "vsock:2:3", "vsock::3", "vsock:2:", "vsock:x:3", "localhost:80"],
  ],
  (text) => ["socket-address", text],
  (text) => {
    const address = parseSocketAddress(text);
    switch (address?.family) {
      case undefined:
        return undefined;
      case "any":
        return `[::]:${address.port}`;
      case "unix":
        return address.path;
      case "abstract":
        return `@${address.name}`;
      case "ipv4":
        return `${address.host}:${address.port}`;
      case "ipv6":
        return `[${address.host}]:${address.port}${address.interface === undefined ? "" : `%${address.interface}`}`;
      case "vsock":
        return `vsock:${address.cid ?? ""}:${address.port}`;
    }
  },
);

function tableOf(command: readonly string[]): readonly (readonly string[])[] {
  const { stdout } = spawnSync("systemd-analyze", [...command], { encoding: "utf8" });
  return stdout
    .split("\n")
    .slice(1, -1)
    .map((line) => line.trim().split(/\s+/));
}

test("capabilities are those of systemd-analyze", { skip: noSystemd }, () => {
  for (const [name = "", number] of tableOf(["capability"])) {
    assert.equal(parseCapability(name), name.toUpperCase());
    assert.equal(capabilities.indexOf(name.toUpperCase() as (typeof capabilities)[number]), Number(number));
  }
  assert.equal(parseCapability("CAP_FOO"), undefined);
});

test("exit statuses are those of systemd-analyze", { skip: noSystemd }, () => {
  for (const [name = "", number] of tableOf(["exit-status"]))
    assert.equal(parseExitStatus(name), Number(number), name);
});

test("integers are written as in C", () => {
  assert.equal(parseInteger("0x1f"), 31);
  assert.equal(parseInteger("010"), 8);
  assert.equal(parseInteger("0b11"), 3);
  assert.equal(parseInteger("-5"), -5);
  for (const text of ["", "5x", "09", "1e3", "9007199254740993", "--1"])
    assert.equal(parseInteger(text), undefined, text);
});
