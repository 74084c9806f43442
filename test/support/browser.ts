/** A real browser, where the machine has one. */
import assert from "node:assert/strict"
import { after } from "node:test"
import {
  type Browser,
  type BrowserContextOptions,
  type ConsoleMessage,
  chromium,
  type Page,
} from "playwright-core"
import { findBrowser } from "../../scripts/browser.ts"
import { patienceMs } from "./patience.ts"

let browser: Promise<Browser> | undefined

/** The browser of all tests of this process, which ends with them. */
export function sharedBrowser(): Promise<Browser> {
  browser ??= chromium.launch({
    executablePath: findBrowser(),
    timeout: patienceMs(),
    args: [
      ...["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"],
      // Processes of its own for what it does anyway are a sixth of what a browser costs.
      ...["--disable-gpu", "--in-process-gpu", "--no-zygote"],
    ],
  })
  return browser
}
after(async () => (await browser)?.close())

export interface PageOptions extends BrowserContextOptions {
  /** Runs in the page before anything of its own. */
  readonly before?: string
  /** What it may load. @default anything */
  readonly loads?: RegExp
  /** What it may say on the console as an error. @default nothing */
  readonly says?: RegExp
}

/**
 * A page with nothing to complain of: disposing of it fails the test if it has thrown, has written
 * an error on the console, or has loaded what it should not. What an event's handler throws fails
 * none.
 */
export async function openPage(
  browser: Browser,
  url: string,
  { before = "", loads = /^/, says, ...options }: PageOptions = {},
): Promise<Page & AsyncDisposable> {
  const context = await browser.newContext(options)
  await context.addInitScript(before)
  const page = await context.newPage()
  page.setDefaultTimeout(patienceMs())
  const complaints: string[] = []
  page.on("pageerror", (error) => complaints.push(String(error)))
  page.on("console", (message) => {
    const text = message.text()
    if (message.type() !== "error" || networkChange.test(text) || says?.test(text)) return
    complaints.push(text)
  })
  page.on("request", (request) => {
    if (!loads.test(request.url())) complaints.push(`It has loaded ${request.url()}.`)
  })
  await loaded(page, () => page.goto(url))
  const close = async () => {
    // Where that fails the test has failed before, and says why.
    await context.close().catch(() => {})
    assert.deepEqual(complaints, [])
  }
  return Object.assign(page, { [Symbol.asyncDispose]: close })
}

const networkChange = /ERR_NETWORK_CHANGED/

/**
 * Loads a page, again where it was broken off: Chromium does that to all that it loads when a
 * network comes or goes on this machine, a cluster's for one.
 */
export async function loaded(page: Page, load: () => Promise<unknown>): Promise<void> {
  for (let isWhole = false; !isWhole; ) {
    isWhole = true
    const look = (message: ConsoleMessage) => {
      if (networkChange.test(message.text())) isWhole = false
    }
    page.on("console", look)
    try {
      await load()
    } catch (error) {
      if (!networkChange.test(String(error))) throw error
      isWhole = false
    } finally {
      page.off("console", look)
    }
  }
}
