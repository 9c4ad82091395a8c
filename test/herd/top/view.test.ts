// What keys do in `herd top`, and what is on the screen then.

import assert from "node:assert/strict";
import { test } from "node:test";
import { plain } from "../../../src/herd/render/style.js";
import { type Frame, renderFrame } from "../../../src/herd/top/frame.js";
import type { Row } from "../../../src/herd/top/sample.js";
import {
  initialView,
  type Outcome,
  press,
  settled,
  type View,
  visibleRows,
} from "../../../src/herd/top/view.js";
import { START } from "../fixtures.js";

process.env.TZ = "UTC";

const rowOf = (name: string, cpu: number, more: Partial<Row> = {}): Row => ({
  name,
  state: "running",
  cpu,
  restarts: 0,
  history: [],
  ...more,
});
const rows = [
  rowOf("root", 0),
  rowOf("db", 5),
  rowOf("web", 50, { pid: 17, memory: 2048, uptime: 61, history: [1, 50] }),
  rowOf("webcam", 1, { state: "failed", reason: "no port" }),
];
const HEIGHT = 2;

/** Types characters, or keys by their names. */
function type(view: View, ...keys: readonly string[]): Outcome {
  let outcome: Outcome = { view };
  for (const key of keys) {
    const ctrl = key.startsWith("ctrl-");
    const isText = [...key].length === 1;
    outcome = press(
      outcome.view,
      {
        name: ctrl ? key.slice(5) : isText ? key.toLowerCase() : key,
        ctrl,
        ...(isText ? { text: key } : {}),
      },
      rows,
      HEIGHT,
    );
    outcome = { ...outcome, view: settled(outcome.view, visibleRows(rows, outcome.view), HEIGHT) };
  }
  return outcome;
}

const start = settled(initialView, visibleRows(rows, initialView), HEIGHT);
const names = (view: View): readonly string[] => visibleRows(rows, view).map(({ name }) => name);

test("the selection moves, stays with its service and in sight", () => {
  assert.deepEqual(names(start), ["web", "db", "webcam", "root"]);
  assert.deepEqual([start.selected, start.top], ["web", 0]);
  const third = type(start, "down", "j").view;
  assert.deepEqual([third.selected, third.top], ["webcam", 1]);
  assert.equal(type(third, "k", "up", "up").view.selected, "web");
  assert.equal(type(start, "G").view.selected, "root");
  assert.equal(type(start, "end", "pageup", "home").view.selected, "web");
  const byName = type(third, "N").view;
  assert.deepEqual([names(byName), byName.selected], [["db", "root", "web", "webcam"], "webcam"]);
  // The service is gone.
  assert.equal(settled({ ...third, selected: "gone" }, rows, HEIGHT).selected, "root");
  assert.equal(settled(third, [], HEIGHT).selected, undefined);
});

test("sorting by a key, by the same again, and by one column after the other", () => {
  assert.deepEqual(type(start, "P").view.order, { by: "cpu", reversed: true });
  assert.deepEqual(type(start, "M").view.order, { by: "memory", reversed: false });
  assert.deepEqual(type(start, "M", "M").view.order, { by: "memory", reversed: true });
  assert.deepEqual(type(start, "o").view.order, { by: "memory", reversed: false });
  assert.deepEqual(type(start, "O").view.order, { by: "cpu", reversed: true });
});

test("a filter is typed, kept or cleared", () => {
  const typed = type(start, "/", "W", "e", "x", "backspace").view;
  assert.deepEqual([typed.filter, names(typed)], ["We", ["web", "webcam"]]);
  assert.equal(typed.mode.kind, "filter");
  const kept = type(typed, "return").view;
  assert.deepEqual([kept.mode.kind, kept.filter], ["table", "We"]);
  assert.equal(type(kept, "escape").view.filter, "");
  assert.equal(type(typed, "escape").view.filter, "");
  // There it is a text, and no command.
  assert.equal(type(typed, "q").effect, undefined);
  assert.equal(type(typed, "ctrl-u").view.filter, "");
});

test("what is taken away is asked for; root is left alone", () => {
  assert.deepEqual(type(start, "s").effect, { kind: "act", action: "start", service: "web" });
  const asked = type(start, "x");
  assert.deepEqual([asked.effect, asked.view.mode.kind], [undefined, "confirm"]);
  assert.deepEqual(type(asked.view, "y").effect, { kind: "act", action: "stop", service: "web" });
  assert.deepEqual(type(asked.view, "n"), { view: start });
  assert.equal(type(start, "r", "return").effect, undefined);
  assert.deepEqual(type(start, "r", "y").effect, { kind: "act", action: "restart", service: "web" });
  assert.equal(type(start, "end", "x").effect?.kind, "say");
});

test("leaving, suspending, looking, and the two other screens", () => {
  assert.deepEqual(type(start, "q").effect, { kind: "quit" });
  assert.deepEqual(type(start, "/", "ctrl-c").effect, { kind: "quit" });
  assert.deepEqual(type(start, "ctrl-z").effect, { kind: "suspend" });
  assert.deepEqual(type(start, " ").effect, { kind: "refresh" });
  const log = type(start, "l").view;
  assert.deepEqual(log.mode, { kind: "log", service: "web" });
  assert.deepEqual(type(log, "x").view.mode, { kind: "table" });
  assert.deepEqual(type(start, "?", "q").view.mode, { kind: "table" });
});

const screen = (frame: Partial<Frame>, columns = 100, lines = 8): readonly string[] =>
  renderFrame(
    { rows, view: start, now: START, ...frame },
    { columns, rows: lines },
    { style: plain, unicode: true },
  );

test("the screen: a title, the table, what is to be said, and the keys", () => {
  assert.deepEqual(screen({ view: type(start, "down", "down").view }), [
    "herd top - 20:49:22, 4 services, 3 running, 1 failed; by cpu",
    "  SERVICE  STATE         PID   CPU %      MEMORY   UPTIME  RESTARTS  CPU HISTORY",
    "  db       running         -     5.0           -        -         0",
    "> webcam   failed          -     1.0           -        -         0",
    "  root     running         -     0.0           -        -         0",
    "",
    "webcam: no port",
    "q quit  up/down select  s start  x stop  r restart  l log  / filter  o sort  ? help",
  ]);
  assert.match(screen({})[2] ?? "", /^> web {6}running .* 50\.0 .* 2 KiB {4}1m01s .* 0 {2}▁█$/);
  assert.equal(screen({ message: { text: "restart web: done", isError: false } })[6], "restart web: done");
  assert.equal(screen({ view: type(start, "x").view })[6], "Stop web, and what requires it? (y/n)");
  assert.equal(screen({ view: type(start, "/", "w").view })[6], "Filter: w_");
  assert.equal(screen({ view: type(start, "/", "z").view })[2], "  no service has that in its name");
});

test("the log of a service: its last lines, as many as there is room for", () => {
  const { view } = type(start, "l");
  const log = [4, 3, 2, 1, 0].map((second) => ({ time: START + second, line: `line\t${second}` }));
  assert.deepEqual(screen({ view, log }).slice(0, 6), [
    "herd top - what web wrote",
    "",
    "2026-11-20 20:49:23 line 1",
    "2026-11-20 20:49:24 line 2",
    "2026-11-20 20:49:25 line 3",
    "2026-11-20 20:49:26 line 4",
  ]);
  assert.equal(screen({ view, log: [] })[2], "It has written nothing that is kept.");
});

test("whatever the size, no screen is larger", () => {
  for (const view of [start, type(start, "l").view, type(start, "?").view, type(start, "x").view])
    for (const columns of [1, 5, 20, 33, 79, 300])
      for (const lines of [1, 2, 3, 4, 5, 24, 100]) {
        const drawn = screen({ view, log: [{ time: START, line: "x".repeat(500) }] }, columns, lines);
        assert.ok(drawn.length <= lines, `${columns}x${lines}`);
        if (columns >= 33) for (const line of drawn) assert.ok([...line].length <= columns, line);
      }
});
