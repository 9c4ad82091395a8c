// The pages of the service `web` in a browser: what they show, that they can be used with the keyboard, that they are
// accessible, and what they say when the daemon is killed. SHEPHERD_WEB_SCREENSHOTS=DIRECTORY keeps pictures of them.

import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import axe, { type AxeResults } from "axe-core";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";
import { bootSystem, type Scope, type System, suiteScope } from "../support/harness.js";
import { freePorts } from "../support/ports.js";

const program = "/usr/bin/chromium";
const skip = existsSync(program) ? false : `there is no ${program}`;
const token = "the-token-of-this-test";

const config = (port: number): string => `
import {
  command, defineConfig, interval, makeForkexecConstructor, makeKillDestructor, makeTimerConstructor, service, webService,
} from "shepherd-ts";
const lines = "n=0; while :; do n=$((n+1)); echo line $n; sleep 0.2; done";
const run = (name, requirement = [], script = "exec sleep 1000") =>
  service([name], {
    requirement,
    documentation: \`The service \${name}.\`,
    start: makeForkexecConstructor(["/bin/sh", "-c", script]),
    stop: makeKillDestructor(),
  });
export default defineConfig({
  services: [
    webService({ listen: "127.0.0.1:${port}", token: "${token}" }),
    run("disk"), run("network"), run("database", ["disk", "network"]), run("cache", ["network"]),
    run("application", ["database", "cache"], lines), run("proxy", ["application"]), run("mail", ["network"]),
    service(["broken"], { requirement: ["disk"], start: makeForkexecConstructor(["/nonexistent/program"]) }),
    service(["setup"], { oneShot: true, start: () => true }),
    service(["backup"], { start: makeTimerConstructor(interval({ hours: 1 }), command(["/bin/true"])) }),
  ],
});
`;

async function shot(page: Page, name: string): Promise<void> {
  const directory = process.env.SHEPHERD_WEB_SCREENSHOTS;
  if (directory !== undefined)
    await page.screenshot({ path: join(directory, `web-${name}.png`), fullPage: true });
}

/** The rules that the page breaks, and where. */
async function violations(page: Page): Promise<readonly string[]> {
  await page.evaluate(axe.source);
  const result = await page.evaluate("axe.run()");
  const { violations: found, passes } = result as AxeResults;
  assert.ok(passes.length > 10);
  return found.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html).join(" ")}`);
}

describe("the pages", { skip }, () => {
  const scope = suiteScope();
  let system: System;
  let browser: Browser;
  let site: string;
  before(async () => {
    const [port = 0] = await freePorts(1);
    system = await bootSystem(scope, { config: config(port) });
    await system.untilProcess("application");
    site = `http://127.0.0.1:${port}`;
    browser = await chromium.launch({
      executablePath: program,
      args: [
        "--no-sandbox",
        "--disable-gpu",
        "--disable-quic",
        "--no-first-run",
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
      ],
    });
    scope.after(() => browser.close());
  });
  after(() => scope.close());

  /** A page whose mistakes become the test's. */
  async function open(t: Scope, path: string, options: BrowserContextOptions = {}): Promise<Page> {
    const context = await browser.newContext({
      httpCredentials: { username: "me", password: token },
      viewport: { width: 1200, height: 900 },
      ...options,
    });
    const page = await context.newPage();
    const errors: string[] = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    page.on("console", (message) => {
      if (message.type() === "error") errors.push(message.text());
    });
    t.after(async () => {
      await context.close();
      assert.deepEqual(errors, []);
    });
    await page.goto(`${site}${path}`);
    return page;
  }

  const state = (page: Page, name: string) => page.locator(`tr[data-name="${name}"] td[data-state]`);

  it("need the token", async () => {
    const context = await browser.newContext({ httpCredentials: { username: "me", password: "wrong" } });
    const page = await context.newPage();
    const response = await page.goto(`${site}/`);
    assert.equal(response?.status(), 401);
    assert.doesNotMatch(await page.content(), /database/);
    await context.close();
  });

  for (const colorScheme of ["light", "dark"] as const)
    it(`show the system, accessibly, in ${colorScheme} colours`, async (t) => {
      const page = await open(t, "/", { colorScheme });
      await page.getByText("● running").first().waitFor();
      await page.locator("svg .node[data-state=running]").first().waitFor();
      assert.equal(await state(page, "broken").textContent(), "✖ failed");
      assert.match(
        (await page.locator('tr[data-name="broken"]').textContent()) ?? "",
        /Failed to start: .*nonexistent/,
      );
      assert.match((await page.locator("#summary").textContent()) ?? "", /^11 services: \d+ running/);
      assert.match((await page.locator("#timers").textContent()) ?? "", /backup.*(59 min|1 h)/);
      assert.equal(await page.locator("svg .node").count(), 11);
      assert.equal(await page.locator("svg .edge").count(), 8);
      assert.deepEqual(await violations(page), []);
      await shot(page, `overview-${colorScheme}`);
      await page.setViewportSize({ width: 360, height: 800 });
      assert.deepEqual(await violations(page), []);
      await shot(page, `overview-${colorScheme}-narrow`);
    });

  it("take orders from the keyboard, and show what comes of them without a reload", async (t) => {
    const page = await open(t, "/");
    const stop = page.getByRole("button", { name: "Stop mail", exact: true });
    await stop.focus();
    await page.keyboard.press("Enter");
    await page.getByText("Stop mail: done.").waitFor();
    await state(page, "mail").getByText("○ stopped").waitFor();
    await page.locator('svg .node[aria-label^="mail: stopped"]').waitFor();
    assert.equal(await page.locator(":focus").getAttribute("aria-label"), "Stop mail");
    await page.keyboard.press("Shift+Tab");
    await page.keyboard.press("Enter");
    await state(page, "mail").getByText("● running").waitFor();
    await page.getByRole("button", { name: "Start broken", exact: true }).click();
    await page.getByText("Start broken: failed.").waitFor();
    assert.deepEqual(await violations(page), []);
    await page.getByRole("searchbox").fill("dat");
    assert.deepEqual(await page.locator("tbody#services tr:visible th").allTextContents(), ["database"]);
    await shot(page, "orders");
  });

  it("show a service and its log, line by line", async (t) => {
    const page = await open(t, "/");
    await page.getByRole("link", { name: "application", exact: true }).click();
    await page.getByRole("heading", { name: "application" }).waitFor();
    const line = page.locator("#log p");
    await line.nth(2).waitFor();
    const count = await line.count();
    await line.nth(count).waitFor();
    assert.match((await line.nth(0).textContent()) ?? "", /line \d+/);
    assert.match(
      (await page.locator("#facts").textContent()) ?? "",
      /● running.*Process.*Memory.*database, cache/,
    );
    assert.deepEqual(await violations(page), []);
    await shot(page, "service");
  });

  it("say that the daemon was killed, and go on", async (t) => {
    const page = await open(t, "/");
    await page.getByText("Live.").waitFor();
    await system.killDaemon();
    await page.getByText("It was restarted at").waitFor();
    await shot(page, "restarted");
    await page.getByRole("button", { name: "Restart cache", exact: true }).click();
    await page.getByText("Restart cache: done.").waitFor();
    // One that is stopped, and so does not answer, is told too.
    const daemon = system.daemon();
    assert.ok(daemon !== undefined);
    process.kill(daemon, "SIGSTOP");
    try {
      await page.getByText("The supervisor does not answer").waitFor();
      assert.deepEqual(await violations(page), []);
      await shot(page, "silent");
    } finally {
      process.kill(daemon, "SIGCONT");
    }
    await page.getByText("Live.").waitFor();
  });
});
