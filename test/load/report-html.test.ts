/** The HTML report, in a real browser, from a file: as it is read, printed and mailed. */
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { after, before, describe, test } from "node:test"
import type { Browser } from "playwright-core"
import { compare } from "../../src/load/report/compare.ts"
import { htmlReport } from "../../src/load/report/html.ts"
import { stored } from "../../src/load/report/stored.ts"
import type { Result } from "../../src/load/result.ts"
import { loaded, openPage, type PageOptions, sharedBrowser } from "../support/browser.ts"
import { eventually, TemporaryFolder } from "../support/cli.ts"
import { madeResult, row } from "../support/load-result.ts"
import { without } from "../support/programs.ts"

const skip = without("chromium")
const hostile = `</script><img src=x onerror="document.title='hacked'"><script>document.title='hacked'</script>`

const seconds = Array.from({ length: 30 }, (_, second) => ({
  latenciesMs: Array.from({ length: 20 }, (_, at) => 1 + ((second * 7 + at * 13) % 40)),
}))

function rich(): Result {
  const made = madeResult(seconds, { model: "open", offered: "20 requests a second" })
  const { latencyHistogram } = made.total
  return {
    ...made,
    scenario: `shop ${hostile}`,
    rows: [
      row("GET", `/a ${hostile}`, latencyHistogram, 3, 30),
      row("POST", "/b", latencyHistogram, 0, 30),
    ],
    history: made.history.map((point, second) => ({
      ...point,
      target: {
        replicas: { wanted: 1 + (second >> 3), present: 1, ready: 1, min: 1, max: 4 },
        cpuCores: second / 10,
        demandCores: second / 8,
        utilizationPercent: 50 + second,
        targetPercent: 60,
        queued: second,
        shedTotal: second * 2,
      },
    })),
    failures: [
      {
        method: "GET",
        name: `/a ${hostile}`,
        kind: "status",
        error: `503 ${hostile}`,
        occurrences: 3,
        firstSeenMs: Date.parse(made.startedAt),
        lastSeenMs: Date.parse(made.startedAt) + 9000,
        example: `<b>busy</b> ${hostile}`,
      },
    ],
    exceptions: [
      {
        task: "buy",
        message: `Error: ${hostile}`,
        stack: "at x",
        occurrences: 1,
        firstSeenMs: 0,
        lastSeenMs: 0,
      },
    ],
    decisions: [
      {
        id: "1",
        atMs: Date.parse(made.startedAt) + 8000,
        from: 1,
        to: 2,
        reasons: [`CPU ${hostile}`],
      },
    ],
    thresholds: [
      { threshold: "p99<500ms", measured: "40ms", kept: true },
      { threshold: "errors<0.1%", measured: "0.5%", kept: false },
    ],
    notes: [`Note ${hostile}`],
  }
}

let browser: Browser
const folder = new TemporaryFolder()
let file: string

before(async () => {
  if (skip) return
  const result = rich()
  const comparison = compare(stored(result), stored(madeResult(seconds)), `old ${hostile}.json`)
  file = folder.write(
    "report.html",
    await htmlReport(result, { command: `capstan ${hostile}`, comparison }),
  )
  browser = await sharedBrowser()
})
after(() => folder[Symbol.dispose]())

/** Opened from the disk; asks for nothing from elsewhere. */
const opened = (options: PageOptions = {}) =>
  openPage(browser, `file://${file}`, { loads: /^(file|data|blob):/, ...options })

describe("in a browser with scripts", { skip }, () => {
  let page: Awaited<ReturnType<typeof opened>>
  before(async () => {
    page = await opened({ viewport: { width: 1280, height: 900 } })
  })
  after(() => page[Symbol.asyncDispose]())

  test("draws its charts from a file, with what it holds, and what targets sent stays text", async () => {
    for (const [place, count] of [
      ["load", 3],
      ["target", 5],
      ["generator", 1],
      ["distribution", 2],
    ] as const) {
      const charts = page.locator(`[data-charts="${place}"] .chart:visible`)
      assert.equal(await charts.count(), count, place)
      assert.equal(await charts.locator("canvas").count(), count, place)
    }
    assert.match(await page.title(), /^shop <\/script><img/)
    assert.equal(await page.locator("img").count(), 0)
    assert.match(await page.locator("#failures summary").innerText(), /^503 <\/script><img src=x/)
    assert.match(
      await page.locator("#thresholds").innerText(),
      /crossed errors<0\.1% measured 0\.5%/,
    )
    assert.match(await page.locator(".verdict").innerText(), /1 of 2 thresholds crossed/)
    assert.match(await page.locator("#comparison").innerText(), /One run had users and one a rate/)
    assert.match(await page.locator("#target").innerText(), /1 → 2/)
    await page.locator(".which select").selectOption("POST /b")
    assert.equal(await page.locator('[data-charts="distribution"] canvas').count(), 2)
  })

  test("fits a phone, follows the system's theme, and prints in black on white", async () => {
    await page.emulateMedia({ colorScheme: "dark" })
    await page.setViewportSize({ width: 360, height: 740 })
    await loaded(page, () => page.reload())
    const widths = await page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert.deepEqual(widths, [360, 360])
    const ground = (): Promise<string> =>
      page.evaluate("getComputedStyle(document.body).backgroundColor")
    const dark = await ground()
    await page.evaluate("dispatchEvent(new Event('beforeprint'))")
    assert.notEqual(await ground(), dark)
    assert.equal(await page.locator("details:not([open])").count(), 0)
    await page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert.equal(await ground(), dark)
    await page.emulateMedia({ colorScheme: "light" })
    // Asked from here: within the page its policy lets no text be run again.
    await eventually(async () => ((await ground()) === dark ? undefined : true), "the light theme")
    const pdf = await page.pdf()
    assert.equal(pdf.subarray(0, 5).toString(), "%PDF-")
  })
})

test("is whole without scripts, but for the charts, and says so", { skip }, async () => {
  await using page = await opened({ javaScriptEnabled: false })
  const text = await page.locator("main").innerText()
  for (const part of ["Requests", "600", "p99", "/b", "503", "1 → 2", "Thread 1"]) {
    assert.ok(text.includes(part), part)
  }
  assert.match(text, /drawn by a script, which is off/)
  await page.locator("#failures summary").click()
  assert.match(await page.locator("#failures pre").innerText(), /<b>busy<\/b>/)
})

test("runs no script but its own", () => {
  if (skip) return
  const html = readFileSync(file, "utf8")
  assert.match(html, /script-src &#39;sha256-[^&]+&#39;; base-uri/)
  assert.equal(html.match(/<script/g)?.length, 2)
  assert.doesNotMatch(html, /(?:src|href)="(?!data:)/)
})
