/** Where the browser is. `playwright-core` brings none. */
import { existsSync } from "node:fs"

const candidates = [
  process.env.CHROME_PATH,
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
  "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
]

/** @throws {Error} saying how to get one. */
export function findBrowser(): string {
  const found = candidates.find((path) => path !== undefined && existsSync(path))
  if (found !== undefined) return found
  throw new Error(
    "There is no Chromium or Chrome. Install one (Debian: apt-get install chromium), or say where it is with CHROME_PATH.",
  )
}
