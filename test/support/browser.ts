/** A real browser, where the machine has one. */
import { type Browser, chromium } from "playwright-core"
import { findBrowser } from "../../scripts/browser.ts"
import { patienceMs } from "./patience.ts"

export function openBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: findBrowser(),
    timeout: patienceMs(),
    args: [
      ...["--no-sandbox", "--disable-dev-shm-usage", "--disable-background-networking"],
      // Processes of its own for what it does anyway are a sixth of what a browser costs.
      ...["--disable-gpu", "--in-process-gpu", "--no-zygote"],
    ],
  })
}
