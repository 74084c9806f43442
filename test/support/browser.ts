/** A real browser, where the machine has one. */
import { type Browser, chromium } from "playwright-core"
import { findBrowser } from "../../scripts/browser.ts"

/**
 * Why a test that needs a browser can't run here; false when it can. Where tests must not be left
 * out (`CI` is set), it never has a reason: the test runs, and fails.
 */
export function noBrowser(): string | false {
  if (process.env.CI) return false
  try {
    findBrowser()
    return false
  } catch (error) {
    return (error as Error).message
  }
}

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: findBrowser(),
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"],
  })
}
