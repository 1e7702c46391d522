// The system's Chromium for end-to-end tests: one browser per test file, a fresh context per test.
// Owns the browser process and what a page complained about; measures in page-meter.ts. Never
// skips: without a Chromium the tests that need one fail and say what to install.

import { constants } from 'node:fs';
import { access, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

export interface ChromiumOptions {
  /** Default: `CHROMIUM_PATH`, else /usr/bin/chromium. */
  readonly executablePath?: string;
  /**
   * Throttles timers of hidden pages as a user's browser does. Off by default, as in all test
   * browsers; turn it on for what happens to a page in the background.
   */
  readonly throttlesHiddenPages?: boolean;
  readonly extraArgs?: readonly string[];
}

export interface TestPage extends AsyncDisposable {
  readonly page: Page;
  readonly context: BrowserContext;
  /** `console.error` lines, which are also Chromium's reports of failed loads and sockets. */
  readonly consoleErrors: readonly string[];
  /** Uncaught exceptions and unhandled rejections, of every tab of this context. */
  readonly pageErrors: readonly string[];
  /** One more tab of the same user: cookies, storage and connection limits are shared. */
  openTab(): Promise<Page>;
  /** Throws unless both lists are empty; `except` allows console lines that the test provoked. */
  assertNoErrors(options?: { readonly except?: readonly RegExp[] }): void;
  close(): Promise<void>;
}

export interface PageOptions {
  /** Default 1280 × 800. */
  readonly viewport?: { readonly width: number; readonly height: number };
  readonly colorScheme?: 'light' | 'dark';
  readonly reducedMotion?: 'reduce' | 'no-preference';
}

export interface Chromium extends AsyncDisposable {
  readonly browser: Browser;
  readonly version: string;
  /** Of the browser process itself. */
  readonly pid: number;
  newPage(options?: PageOptions): Promise<TestPage>;
  /** Closes in order, then by SIGKILL if that takes over 5 s. Idempotent. */
  close(): Promise<void>;
}

const flags = [
  '--no-sandbox',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

const throttlingSwitches = [
  '--disable-background-timer-throttling',
  '--disable-backgrounding-occluded-windows',
  '--disable-renderer-backgrounding',
];

/** The profile is a new temporary folder that goes with the browser. */
export async function openChromium(options: ChromiumOptions = {}): Promise<Chromium> {
  const executablePath =
    options.executablePath ?? process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium';
  await access(executablePath, constants.X_OK).catch((cause: unknown) => {
    throw new Error(
      `no Chromium at ${executablePath}: install it (Debian: apt install chromium) or set CHROMIUM_PATH`,
      { cause },
    );
  });
  const browser = await chromium.launch({
    executablePath,
    args: [...flags, ...(options.extraArgs ?? [])],
    ...(options.throttlesHiddenPages === true ? { ignoreDefaultArgs: throttlingSwitches } : {}),
  });
  const pid = await pidOf(browser);
  // A test process that ends in the middle must not leave a browser behind.
  const killNow = (): void => killByPid(pid);
  process.once('exit', killNow);

  let closing: Promise<void> | undefined;
  async function end(): Promise<void> {
    const timer = setTimeout(killNow, 5_000);
    await browser.close();
    clearTimeout(timer);
    process.off('exit', killNow);
  }
  const close = (): Promise<void> => {
    closing ??= end();
    return closing;
  };
  return {
    browser,
    version: browser.version(),
    pid,
    newPage: (pageOptions) => openPage(browser, pageOptions ?? {}),
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Writes test-results/screenshots/<name>.png below the working folder; resolves with the path. */
export async function screenshot(page: Page, name: string): Promise<string> {
  const folder = join(process.cwd(), 'test-results', 'screenshots');
  await mkdir(folder, { recursive: true });
  const path = join(folder, `${name}.png`);
  await page.screenshot({ path, fullPage: true });
  return path;
}

async function openPage(browser: Browser, options: PageOptions): Promise<TestPage> {
  const context = await browser.newContext({
    viewport: options.viewport ?? { width: 1280, height: 800 },
    ...(options.colorScheme ? { colorScheme: options.colorScheme } : {}),
    ...(options.reducedMotion ? { reducedMotion: options.reducedMotion } : {}),
  });
  const consoleErrors: string[] = [];
  const pageErrors: string[] = [];
  context.on('console', (message) => {
    if (message.type() !== 'error') return;
    const { url } = message.location();
    consoleErrors.push(url === '' ? message.text() : `${message.text()} (${url})`);
  });
  context.on('weberror', (found) => {
    const error = found.error();
    pageErrors.push(error.stack ?? error.message);
  });
  const page = await context.newPage();

  let closing: Promise<void> | undefined;
  const close = (): Promise<void> => {
    closing ??= context.close();
    return closing;
  };
  return {
    page,
    context,
    consoleErrors,
    pageErrors,
    openTab: () => context.newPage(),
    assertNoErrors({ except = [] } = {}) {
      const unexpected = consoleErrors.filter((line) => !except.some((each) => each.test(line)));
      if (unexpected.length + pageErrors.length === 0) return;
      throw new Error(
        `the page complained:\n${[...unexpected, ...pageErrors].map((line) => `- ${line}`).join('\n')}`,
      );
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

/** Asked of the browser itself: the started file may be a script that only launches it. */
async function pidOf(browser: Browser): Promise<number> {
  const session = await browser.newBrowserCDPSession();
  const { processInfo } = await session.send('SystemInfo.getProcessInfo');
  await session.detach();
  const found = processInfo.find(({ type }) => type === 'browser');
  if (found === undefined) throw new Error('Chromium does not tell its process id');
  return found.id;
}

function killByPid(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    // Already gone is what was wanted; anything else (a foreign pid) must be heard of.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
  }
}
