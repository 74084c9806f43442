/**
 * Takes the documentation's pictures again: `npm run screenshots`. A real browser opens the
 * documentation of the example, tries a call, and shows the answer; then it opens the live page of
 * `capstan load`, puts the example under load for a while, and shows both themes.
 */
import { fileURLToPath } from "node:url"
import { chromium } from "playwright-core"
import { serve } from "../src/index.ts"
import { servePage } from "../src/load/page/server.ts"
import { Session } from "../src/load/page/session.ts"
import { capstanTarget } from "../src/load/target.ts"
import { findBrowser } from "./browser.ts"

const picture = (name: string): string =>
  fileURLToPath(new URL(`../docs/images/${name}.png`, import.meta.url))
const example = new URL("../examples/prime-factor/service.ts", import.meta.url)

await using server = await serve(example, {
  // The port is in the picture.
  settings: { host: "127.0.0.1", port: 8080, managementPort: 0, logLevel: "warn" },
  env: {},
})
await using browser = await chromium.launch({
  executablePath: findBrowser(),
  args: ["--no-sandbox"],
})
const page = await browser.newPage({
  viewport: { width: 1200, height: 2000 },
  deviceScaleFactor: 1.5,
})
await page.goto(`${server.url}/docs`)

const hello = page.locator("#operations-prime_factors-hello")
await hello.locator(".opblock-summary-control").click()
await hello.locator(".examples-select select").selectOption({ label: "A number of your own" })
await hello.getByRole("button", { name: "Execute" }).click()
const answer = hello.locator(".live-responses-table .highlight-code").first()
await answer.getByText("largest_prime_factor").waitFor()
// As a person would by its corner: it is made for more than three lines.
await hello.locator("textarea").evaluate((area: { style: { minHeight: string } }) => {
  area.style.minHeight = "6em"
})
await page.mouse.move(0, 0)

const end = await answer.boundingBox()
if (end === null) throw new Error("The answer is not to be seen.")
const height = Math.ceil(end.y + end.height + 16)
await page.screenshot({
  path: picture("docs"),
  clip: { x: 0, y: 0, width: 1200, height },
  animations: "disabled",
})

// Load that rises beyond what the example can take, and falls again.
const session = new Session({
  config: { target: server.url, stages: "0:1,20s:12,35s:12,45s:2" },
  source: capstanTarget(server.managementUrl),
  ended: () => {},
})
await using live = await servePage(session, 0)
const load = await browser.newPage({
  viewport: { width: 1320, height: 860 },
  deviceScaleFactor: 1.5,
})
await load.goto(live.url)
await load.getByRole("button", { name: "Start" }).click()
await load.locator("#status", { hasText: "over" }).waitFor({ timeout: 90_000 })
for (const theme of ["light", "dark"] as const) {
  await load.emulateMedia({ colorScheme: theme })
  await load.screenshot({ path: picture(`load-${theme}`), animations: "disabled", fullPage: true })
}
