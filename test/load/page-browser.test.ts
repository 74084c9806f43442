/** The live page in a real browser. */
import assert from "node:assert/strict"
import { readFileSync } from "node:fs"
import { before, describe, test } from "node:test"
import type { Browser, Page } from "playwright-core"
import { serve } from "../../src/index.ts"
import { scenario } from "../../src/load/scenario/scenario.ts"
import { capstanTarget } from "../../src/load/target/management.ts"
import { loaded, sharedBrowser } from "../support/browser.ts"
import { eventually } from "../support/cli.ts"
import { figure, opened, tab } from "../support/live-page.ts"
import { loadTarget } from "../support/load-target.ts"
import { ScriptedTarget, servedPage, stateWhen } from "../support/page.ts"
import { patienceMs } from "../support/patience.ts"
import { without } from "../support/programs.ts"
import { root } from "../support/repository.ts"

const skip = without("chromium")

async function fitsInto(page: Page, width: number): Promise<void> {
  await page.setViewportSize({ width, height: 800 })
  for (const each of await page.getByRole("tab").all()) {
    await each.click()
    const over = () =>
      page.evaluate<number>(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth",
      )
    // Charts are drawn anew when the browser has laid out the rest.
    const what = `${await each.textContent()} to fit into ${width} px`
    await eventually(async () => ((await over()) === 0 ? true : undefined), what)
  }
}

// They wait for seconds to pass; so they do it together, in one browser.
describe("the live page, in a browser", { concurrency: true, skip }, () => {
  let browser: Browser
  before(async () => {
    browser = await sharedBrowser()
  })

  test("a run is started, seen, changed, zoomed, reset, reloaded, stopped and downloaded", async () => {
    await using server = await serve(`${root}test/fixtures/load/unhurried.ts`, {
      settings: {
        ...{ host: "127.0.0.1", port: 0, managementPort: 0, logLevel: "silent" },
        // Nice workers get nothing while a browser and others want all of this machine.
        ...{ workers: 2, workerNice: 0 },
        ...{ setupTimeoutMs: patienceMs(), deadlineMs: patienceMs() },
      },
      env: {},
    })
    await using served = await servedPage({
      config: { target: server.url, thresholds: ["errors<100%"] },
      source: capstanTarget(server.managementUrl),
    })
    await using page = await opened(browser, served.url)

    await page.getByLabel("Users at peak").fill("2")
    await page.getByRole("button", { name: "Start" }).click()
    await page.locator("#status", { hasText: "running" }).waitFor()
    await figure(page, "Users").getByText("2", { exact: true }).waitFor()
    await figure(page, "Requests/s").filter({ hasText: /[1-9]/ }).waitFor()
    await figure(page, "Demand").filter({ hasText: /\d/ }).waitFor()

    // By the keyboard: to the statistics, sorted by name, and from a name to its charts.
    await tab(page, "Charts").focus()
    for (const key of ["ArrowRight", "ArrowRight"]) await page.keyboard.press(key)
    await page.locator("#statistics tbody", { hasText: "/api/v1/hello" }).waitFor()
    await page.getByRole("button", { name: "Name" }).click()
    await page.locator("#statistics tbody tr").first().filter({ hasText: "hello" }).waitFor()
    await page.getByRole("button", { name: "/api/v1/hello" }).click()
    const chosen = page.locator("#endpoint")
    await eventually(
      async () => (await chosen.inputValue()) === "POST\n/api/v1/hello" || undefined,
      "the charts of that name",
    )
    const throughput = page.locator("#load-charts figure", { hasText: "Throughput" })
    await throughput.locator("b").first().filter({ hasText: /[1-9]/ }).waitFor()
    await page.locator("#endpoint").selectOption({ label: "all requests" })

    await tab(page, "Target").click()
    const cores = page.locator("#target-charts figure", { hasText: "Cores" })
    await cores.locator("canvas").waitFor()
    await cores.locator("button", { hasText: "workers" }).filter({ hasText: /[1-9]/ }).waitFor()
    await tab(page, "Workers").click()
    await page.locator("#threads tbody tr", { hasText: "running" }).waitFor()

    await page.getByRole("button", { name: "Edit" }).click()
    await page.getByLabel("Users at peak").fill("5")
    await page.getByLabel("Started a second").fill("50")
    await page.getByRole("button", { name: "Change" }).click()
    await figure(page, "Users").getByText("5", { exact: true }).waitFor()

    // The cursor of one chart is that of all, and a zoom too.
    await tab(page, "Charts").click()
    const plots = page.locator("#load-charts .plot")
    await plots.locator("canvas").nth(2).waitFor()
    assert.equal(await plots.locator("canvas").count(), 3)
    const inWords = async () => (await plots.first().getAttribute("aria-label")) ?? ""
    await eventually(async () => /requests \d/.test(await inWords()) || undefined, "it in words")
    await plots.first().focus()
    await page.keyboard.press("ArrowLeft")
    await page.locator("#spoken", { hasText: "requests" }).waitFor({ state: "attached" })
    await page.locator("#run-charts [data-moment]", { hasText: "·" }).waitFor()
    const points = () => served.session.state().run?.course.timeMs.length ?? 0
    await eventually(() => points() >= 2 || undefined, "enough seconds to zoom into")
    const box = (await plots.first().boundingBox())!
    // From the first point to the last, wherever between they are: the cursor goes from one to another.
    await page.mouse.move(box.x + box.width * 0.1, box.y + 60)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.95, box.y + 60, { steps: 3 })
    await page.mouse.up()
    const everything = page.locator("#run-charts [data-unzoom]")
    await everything.click()
    await everything.waitFor({ state: "hidden" })

    // A reload in mid-run shows the run from its beginning.
    const seen = served.session.state().run?.course.timeMs.length ?? 0
    assert.ok(seen >= 2)
    await loaded(page, () => page.reload())
    await figure(page, "Users").getByText("5", { exact: true }).waitFor()
    await page.getByRole("button", { name: "Throughput as a table" }).click()
    await page
      .locator("#load-charts .data tbody tr")
      .nth(seen - 1)
      .waitFor()

    const reset = stateWhen(served.session, /begin anew/)
    await page.getByRole("button", { name: "Reset" }).click()
    await tab(page, "Log").click()
    await page.locator("#log li", { hasText: "begin anew" }).waitFor()
    assert.deepEqual((await reset).run?.course.timeMs, [])
    await page.getByRole("button", { name: "Stop" }).click()
    await page.locator("#status", { hasText: "over" }).waitFor()
    await page.locator("#verdicts", { hasText: "kept: errors<100%" }).waitFor()
    assert.equal(served.results.length, 1)
    await tab(page, "Log").click()
    await page.locator("#log li", { hasText: "Over (stopped)" }).waitFor()

    await tab(page, "Download").click()
    const downloading = page.waitForEvent("download")
    await page.getByRole("link", { name: "Statistics" }).click()
    const download = await downloading
    assert.equal(download.suggestedFilename(), "capstan_stats.csv")
    assert.match(readFileSync(await download.path(), "utf8"), /^Type,Name,[\s\S]*\/api\/v1\/hello/)
    for (const link of await page.locator("#downloads a").all()) {
      const answer = await fetch(new URL((await link.getAttribute("href")) ?? "", served.url))
      assert.equal(answer.status, 200, answer.url)
      assert.match(answer.headers.get("content-disposition") ?? "", /attachment/)
      await answer.body?.cancel()
    }

    await page.getByRole("button", { name: "New run" }).click()
    await page.getByLabel("Rate", { exact: true }).check()
    await page.getByLabel("Host").fill("nowhere")
    await page.getByRole("button", { name: "Start" }).click()
    await page.getByRole("alert").filter({ hasText: 'The target is "nowhere"' }).waitFor()
    await page.getByRole("button", { name: "Cancel" }).click()
    await fitsInto(page, 360)
  })

  test("with a target and no run, its tab is in front and fills; decisions, pods and logs are told", async () => {
    await using target = await loadTarget((_, response) => {
      response.statusCode = 500
      response.end("sorry")
    })
    const now = Date.now()
    const reading = {
      replicas: { wanted: 2, present: 2, ready: 1, min: 1, max: 4 },
      utilizationPercent: 80,
      targetPercent: 50,
      pods: [
        { name: "replica-1", phase: "ready", sinceMs: now - 9000, restarts: 0, cpuCores: 0.4 },
        { name: "replica-2", phase: "starting", sinceMs: now - 500, restarts: 0 },
      ],
      decisions: [
        { id: "1", atMs: now - 500, from: 1, to: 2, reasons: ["80 % is above 50 %: 2 wanted"] },
        { id: "2", atMs: now, from: 2, to: 2, reasons: ["held"] },
      ],
    } as const
    const source = new ScriptedTarget(reading)
    const throwing = scenario({
      tasks: {
        async broken({ get }) {
          await get("/")
          throw new TypeError("my mistake")
        },
      },
    })
    const config = { target: target.url, scenario: throwing, rate: 20 }
    await using served = await servedPage({ config, source, front: "target" })
    // As on Android, where tabs can't share a line and each has its own.
    await using page = await opened(browser, served.url, {
      before: "delete globalThis.SharedWorker",
    })

    const inFront = page.getByRole("tab", { name: "Target", selected: true })
    await inFront.waitFor()
    await page.getByRole("button", { name: "Start" }).waitFor()
    await page.locator("#target-charts figure", { hasText: "Replicas" }).locator("canvas").waitFor()
    await page.locator("#pods tbody tr", { hasText: "replica-2" }).getByText("starting").waitFor()
    await page.locator("#decisions > li").nth(1).waitFor()
    assert.equal(await page.locator("#decisions > li").count(), 2)
    await page.getByLabel("changes only").check()
    await page.locator("#decisions > li", { hasText: "held" }).waitFor({ state: "detached" })
    await page.locator("#decisions > li", { hasText: "1 → 2" }).waitFor()
    const lanes = page.locator("#target-charts .lanes .plot")
    assert.match(
      (await lanes.getAttribute("aria-label")) ?? "",
      /replica-1 ready, replica-2 starting/,
    )

    source.log("replica-1", '{"level":40,"time":1,"msg":"hot","cores":2}')
    source.log("replica-2", "plain <b>text</b>")
    await page.locator("#lines", { hasText: "hot cores=2" }).waitFor()
    await page.locator("#lines", { hasText: "plain <b>text</b>" }).waitFor()
    await page.locator("#logs-pod").selectOption("replica-2")
    await page.locator("#lines > div", { hasText: "hot" }).waitFor({ state: "detached" })
    assert.equal(await page.locator("#lines > div").count(), 1)
    assert.equal(await page.locator("#lines b").count(), 0, "what is logged is text and no markup")

    // It stays in front when the run begins: that is where the replicas follow the load.
    await page.getByRole("button", { name: "Start" }).click()
    await page.locator("#status", { hasText: "running" }).waitFor()
    assert.equal(await inFront.count(), 1)
    await page
      .locator("#target-charts figure", { hasText: "Throughput" })
      .locator("canvas")
      .waitFor()

    await tab(page, "Failures").click()
    const failure = page.locator("#failures tbody tr", { hasText: "500" })
    await failure.locator("summary").click()
    await failure.locator("pre", { hasText: "sorry" }).waitFor()
    const times = (await failure.locator("td").first().textContent()) ?? ""
    await failure.locator("td").first().filter({ hasNotText: times }).waitFor()
    assert.ok(await failure.locator("pre").isVisible(), "the next second does not close it")
    await tab(page, "Exceptions").click()
    await page.locator("#exceptions tbody tr", { hasText: "TypeError: my mistake" }).waitFor()
    await fitsInto(page, 360)
  })
})
