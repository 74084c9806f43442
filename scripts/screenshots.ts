/**
 * Takes the documentation's pictures again: `npm run screenshots`. A real browser opens the
 * documentation of the example, tries a call, and shows the answer; then it opens the live page of
 * `capstan up`, puts the example under load, and shows the target and the charts in both themes;
 * then come those of the tutorial. It takes four minutes, with a cluster seven, and the machine for
 * itself: what is in the pictures is measured.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync } from "node:fs"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { type Browser, chromium } from "playwright-core"
import { serve } from "../src/index.ts"
import { findBrowser } from "./browser.ts"
import { firstMinute } from "./first-minute.ts"
import { slim } from "./slim.ts"
import { takeTutorial } from "./tutorial-pictures.ts"

const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))
const picture = (name: string): string => path(`../docs/images/${name}.png`)
const example = new URL("../examples/prime-factor/service.ts", import.meta.url)

await using browser = await chromium.launch({
  executablePath: findBrowser(),
  args: ["--no-sandbox"],
})
await takeDocs(browser)
await takeLivePage(browser)
await takeTutorial(browser, picture)
for (const name of readdirSync(path("../docs/images"))) {
  if (name.endsWith(".png")) await slim(path(`../docs/images/${name}`))
}

async function takeDocs(browser: Browser): Promise<void> {
  await using server = await serve(example, {
    // The port is in the picture.
    settings: { host: "127.0.0.1", port: 8080, managementPort: 0, logLevel: "warn" },
    env: {},
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
  await page.close()
}

/** As `npm start` does it: load that rises beyond what one replica can take, and falls again. */
async function takeLivePage(browser: Browser): Promise<void> {
  const up = spawn(
    process.execPath,
    [
      path("../src/cli/main.ts"),
      ...firstMinute(),
      ...["--host", "127.0.0.1", "--port", "8080", "--management-port", "0", "--web-port", "0"],
    ],
    { stdio: ["ignore", "pipe", "inherit"] },
  )
  try {
    const page = await browser.newPage({
      viewport: { width: 1320, height: 900 },
      deviceScaleFactor: 1.5,
    })
    await page.goto(await livePage(up.stdout))
    await page.getByRole("button", { name: "Start" }).click()
    await page.locator("#status", { hasText: "over" }).waitFor({ timeout: 120_000 })
    for (const theme of ["light", "dark"] as const) {
      await page.emulateMedia({ colorScheme: theme })
      for (const [tab, name] of [
        ["Charts", "load"],
        ["Target", "target"],
      ] as const) {
        await page.getByRole("tab", { name: tab }).click()
        await page.screenshot({ path: picture(`${name}-${theme}`), animations: "disabled" })
      }
    }
  } finally {
    up.kill("SIGINT")
    await once(up, "exit")
  }
}

/** What it says when the service is served; earlier the page is there, and the replica is not. */
async function livePage(stdout: NodeJS.ReadableStream): Promise<string> {
  let url: string | undefined
  for await (const line of createInterface({ input: stdout })) {
    url = /is served at .* live page at (http:\S+?),/.exec(line)?.[1]
    if (url !== undefined) break
  }
  if (url === undefined) throw new Error("capstan up has ended before it served.")
  // Its log goes on, and is to be read or it would stop.
  stdout.resume()
  return url
}
