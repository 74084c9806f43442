/** The live page in a real browser, in many tabs and through a break: what takes long to see. */
import assert from "node:assert/strict"
import { before, describe, test } from "node:test"
import type { Browser } from "playwright-core"
import { servePage } from "../../src/load/page/server.ts"
import { Session } from "../../src/load/page/session.ts"
import { scenario } from "../../src/load/scenario/scenario.ts"
import { loaded, sharedBrowser } from "../support/browser.ts"
import { figure, opened } from "../support/live-page.ts"
import { loadTarget } from "../support/load-target.ts"
import { servedPage } from "../support/page.ts"
import { patienceMs } from "../support/patience.ts"
import { without } from "../support/programs.ts"

const skip = without("chromium")
const get = scenario({ name: "home", tasks: { home: (user) => user.get("/") } })

describe("the live page, in a browser", { concurrency: true, skip }, () => {
  let browser: Browser
  before(async () => {
    browser = await sharedBrowser()
  })

  test("ten tabs are open at once, and each of them steers", async () => {
    await using target = await loadTarget()
    await using served = await servedPage({
      config: { target: target.url, scenario: get, rate: 10 },
    })
    const first = await opened(browser, served.url)
    await using context = first.context()
    const others = Array.from({ length: 9 }, async () => {
      const page = await context.newPage()
      page.setDefaultTimeout(patienceMs())
      await loaded(page, () => page.goto(served.url))
      await page.getByRole("button", { name: "Start" }).waitFor()
      return page
    })
    const tabs = [first, ...(await Promise.all(others))]
    await tabs[9]!.getByRole("button", { name: "Start" }).click()
    for (const page of tabs) {
      await figure(page, "Requests/s").filter({ hasText: /[1-9]/ }).waitFor()
    }
    await tabs[0]!.getByRole("button", { name: "Stop" }).click()
    await Promise.all(tabs.map((page) => page.locator("#status", { hasText: "over" }).waitFor()))
  })

  test("a page that was cut off catches up without a gap", async () => {
    await using target = await loadTarget()
    const session = new Session({
      config: { target: target.url, scenario: get, rate: 10 },
      ended: () => {},
    })
    await using _over = { [Symbol.asyncDispose]: () => session.close() }
    const early = await servePage(session, 0)
    const port = Number(new URL(early.url).port)
    await using page = await opened(browser, early.url, { says: /./ })
    await page.getByRole("button", { name: "Start" }).click()
    await figure(page, "Requests/s").filter({ hasText: /[1-9]/ }).waitFor()

    await early[Symbol.asyncDispose]()
    await page.locator("#status", { hasText: "disconnected" }).waitFor()
    const points = () => session.state().run?.course.timeMs.length ?? 0
    const cutAt = points()
    while (points() < cutAt + 2) await new Promise((resolve) => setTimeout(resolve, 20))
    await using _after = await servePage(session, port)
    await page.locator("#status", { hasText: "running" }).waitFor()
    await page.getByRole("button", { name: "Throughput as a table" }).click()
    const times = await page.locator("#load-charts .data tbody th").allTextContents()
    assert.ok(times.length >= cutAt + 2)
    // Seconds that the run itself told of; a busy machine may have been late to tell one.
    const { course, startedAtMs } = session.state().run!
    const told = course.timeMs.map((timeMs) => {
      const second = Math.round((timeMs - startedAtMs) / 1000)
      return `0:${String(second).padStart(2, "0")}`
    })
    assert.deepEqual(times, told.slice(0, times.length))
  })
})
