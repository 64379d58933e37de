// Drives one browser over JSON lines: a command a line on standard input, its reply on
// standard output. Chromium is driven over CDP, Firefox over WebDriver BiDi; the commands are
// the same. Commands run concurrently; `id` tells which reply is whose. Lines with `event`
// are what the pages' consoles say.

import { createInterface } from "node:readline";
import puppeteer from "puppeteer-core";

const ACTION_TIMEOUT_MS = 10_000;
const POLL_MS = 50;

let browser = null;
const users = new Map(); // number → browser context: one user's cookies and storage
const pages = new Map(); // number → page
let counter = 0;

const write = (message) => process.stdout.write(JSON.stringify(message) + "\n");
const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const testId = (name) => `[data-testid="${name}"]`;

const call = (page, source, args) =>
  page.evaluate(`(${source})(...${JSON.stringify(args ?? [])})`);

function pageOf(command) {
  const page = pages.get(command.page);
  if (page === undefined) throw new Error(`no page ${command.page}`);
  return page;
}

const commands = {
  async launch({ kind, executable, args, preferences }) {
    browser = await puppeteer.launch({
      browser: kind,
      executablePath: executable,
      headless: true,
      acceptInsecureCerts: true,
      args,
      extraPrefsFirefox: preferences,
      pipe: kind === "chrome",
      waitForInitialPage: false,
      protocolTimeout: 120_000,
      timeout: 60_000,
      handleSIGINT: false,
    });
    return await browser.version();
  },

  async new_user() {
    users.set(++counter, await browser.createBrowserContext());
    return counter;
  },

  async close_user({ user }) {
    await users.get(user).close();
    users.delete(user);
  },

  async new_page({ user, preload, width, height }) {
    const page = await users.get(user).newPage();
    const number = ++counter;
    pages.set(number, page);
    page.setDefaultTimeout(ACTION_TIMEOUT_MS);
    page.on("console", (message) =>
      write({ event: "console", page: number, level: message.type(), text: message.text() }),
    );
    page.on("pageerror", (error) =>
      write({
        event: "console",
        page: number,
        level: "uncaught",
        text: String(error.stack || error.message || error),
      }),
    );
    await page.setViewport({ width, height });
    for (const source of preload) await page.evaluateOnNewDocument(source);
    return number;
  },

  async close_page(command) {
    await pageOf(command).close();
    pages.delete(command.page);
  },

  async goto(command) {
    const response = await pageOf(command).goto(command.url, { waitUntil: "domcontentloaded" });
    return response === null ? null : response.status();
  },

  async reload(command) {
    await pageOf(command).reload({ waitUntil: "domcontentloaded" });
  },

  async bring_to_front(command) {
    await pageOf(command).bringToFront();
  },

  // Waits until the element is visible, enabled and still, then clicks where it is.
  async click(command) {
    await pageOf(command)
      .locator(testId(command.name))
      .setTimeout(command.timeout_ms ?? ACTION_TIMEOUT_MS)
      .click();
  },

  async fill(command) {
    await pageOf(command)
      .locator(testId(command.name))
      .setTimeout(command.timeout_ms ?? ACTION_TIMEOUT_MS)
      .fill(command.text);
  },

  async press(command) {
    await pageOf(command).keyboard.press(command.key);
  },

  async type(command) {
    await pageOf(command).keyboard.type(command.text);
  },

  async evaluate(command) {
    return await call(pageOf(command), command.source, command.args);
  },

  // Asks again until the answer is truthy. What the question throws counts as "not yet".
  async wait_for(command) {
    const page = pageOf(command);
    const deadline = performance.now() + command.timeout_ms;
    let last = "it was never true";
    for (;;) {
      try {
        const value = await call(page, command.source, command.args);
        if (value) return value;
        last = `last answer: ${JSON.stringify(value)}`;
      } catch (error) {
        last = String(error.message ?? error);
        if (page.isClosed()) throw error;
      }
      if (performance.now() > deadline) {
        throw new Error(`timed out after ${command.timeout_ms} ms; ${last}`);
      }
      await sleep(POLL_MS);
    }
  },

  // Width and height alone: anything else would load the page anew.
  async set_viewport(command) {
    const { width, height } = command;
    await pageOf(command).setViewport({ width, height });
  },

  async color_scheme(command) {
    const { scheme } = command;
    await pageOf(command).emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  },

  async screenshot(command) {
    await pageOf(command).screenshot({ path: command.path });
  },

  async offline(command) {
    await pageOf(command).setOfflineMode(command.offline);
  },

  async close() {
    if (browser !== null) await browser.close();
    browser = null;
  },
};

async function carryOut(command) {
  try {
    const value = await commands[command.op](command);
    write({ id: command.id, value: value ?? null });
  } catch (error) {
    write({ id: command.id, error: String(error.stack ?? error) });
  }
}

const pending = new Set();
const lines = createInterface({ input: process.stdin });
lines.on("line", (line) => {
  const work = carryOut(JSON.parse(line));
  pending.add(work);
  work.finally(() => pending.delete(work));
});
lines.on("close", async () => {
  // Standard input ends when the tests end, however they end: the browser must not outlive them.
  const bound = setTimeout(() => process.exit(1), 10_000);
  await commands.close().catch(() => {});
  await Promise.allSettled(pending);
  clearTimeout(bound);
  process.exit(0);
});
