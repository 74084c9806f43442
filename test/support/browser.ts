/** A real browser, where the machine has one. */
import { type Browser, chromium } from "playwright-core"
import { findBrowser } from "../../scripts/browser.ts"

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: findBrowser(),
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"],
  })
}
