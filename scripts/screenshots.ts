/**
 * Takes the README's picture again: `npm run screenshots`. A real browser opens the documentation
 * of the example, tries a call, and shows the answer.
 */
import { fileURLToPath } from "node:url"
import { chromium } from "playwright-core"
import { serve } from "../src/index.ts"
import { findBrowser } from "./browser.ts"

const picture = fileURLToPath(new URL("../docs/images/docs.png", import.meta.url))
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
  path: picture,
  clip: { x: 0, y: 0, width: 1200, height },
  animations: "disabled",
})
