/** The live page, in a real browser and by hand. */
import assert from "node:assert/strict"
import { once } from "node:events"
import { readFileSync } from "node:fs"
import { connect } from "node:net"
import { test } from "node:test"
import type { Browser, Page } from "playwright-core"
import { serve } from "../../src/index.ts"
import { servePage } from "../../src/load/page/server.ts"
import { Session } from "../../src/load/page/session.ts"
import type { Result } from "../../src/load/result.ts"
import { scenario } from "../../src/load/scenario.ts"
import { capstanTarget } from "../../src/load/target.ts"
import { noBrowser, openBrowser } from "../support/browser.ts"
import { loadTarget } from "../support/load-target.ts"
import { root } from "../support/repository.ts"

const skip = noBrowser()
const get = scenario({ name: "home", tasks: { home: (user) => user.get("/") } })

interface Served extends AsyncDisposable {
  readonly url: string
  readonly session: Session
  readonly results: readonly Result[]
  /** A POST as the page sends it, or as `headers` change it. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
}

async function served(config: ConstructorParameters<typeof Session>[0]["config"]): Promise<Served> {
  const results: Result[] = []
  const session = new Session({ config, ended: (result) => results.push(result) })
  const page = await servePage(session, 0)
  const html = await (await fetch(page.url)).text()
  const token = /capstan-token" content="([^"]+)"/.exec(html)?.[1] ?? ""
  return {
    url: page.url,
    session,
    results,
    post: (path, body, headers = {}) =>
      fetch(page.url + path, {
        method: "POST",
        headers: { "content-type": "application/json", "x-capstan-token": token, ...headers },
        body: JSON.stringify(body),
      }),
    async [Symbol.asyncDispose]() {
      await session.stop()
      await page[Symbol.asyncDispose]()
    },
  }
}

/** A page that must not say anything on the console. */
async function opened(browser: Browser, url: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 } })
  page.setDefaultTimeout(15_000)
  page.on("pageerror", (error) => assert.fail(error))
  page.on("console", (message) => {
    // A mistake in the form is answered 422, and Chromium tells its console.
    if (message.type() === "error" && !/422/.test(message.text())) assert.fail(message.text())
  })
  await page.goto(url)
  return page
}

const figure = (page: Page, label: string) => page.locator(".kpi", { hasText: label }).locator("b")

test("a run is started, seen, changed, reloaded, stopped and downloaded in the browser", {
  skip,
}, async () => {
  await using server = await serve(`${root}examples/prime-factor/service.ts`, {
    settings: { host: "127.0.0.1", port: 0, managementPort: 0, logLevel: "silent" },
    env: {},
  })
  const results: Result[] = []
  const session = new Session({
    config: { target: server.url, thresholds: ["errors<1%"] },
    source: capstanTarget(server.managementUrl),
    ended: (result) => results.push(result),
  })
  await using served = await servePage(session, 0)
  await using browser = await openBrowser()
  const page = await opened(browser, served.url)

  await page.getByLabel("Users at peak").fill("2")
  await page.getByRole("button", { name: "Start" }).click()
  await page.locator("#status", { hasText: "running" }).waitFor()
  await figure(page, "Users").getByText("2", { exact: true }).waitFor()
  await figure(page, "Requests a second").filter({ hasText: /[1-9]/ }).waitFor()

  // By the keyboard: the second tab, and sorted by name.
  await page.locator("#tab-charts").focus()
  await page.keyboard.press("ArrowRight")
  await page.locator("#statistics tbody", { hasText: "/api/v1/hello" }).waitFor()
  await page.getByRole("button", { name: "Name" }).click()
  assert.match((await page.locator("#statistics tbody tr").first().textContent()) ?? "", /hello/)

  await page.getByRole("tab", { name: "Target" }).click()
  await page.locator("#target-charts figure", { hasText: "Cores" }).locator("canvas").waitFor()
  await page
    .locator(".legend button", { hasText: "workers" })
    .filter({ hasText: /[1-9]/ })
    .waitFor()

  await page.getByRole("button", { name: "Edit" }).click()
  await page.getByLabel("Users at peak").fill("5")
  await page.getByLabel("Started a second").fill("50")
  await page.getByRole("button", { name: "Change" }).click()
  await figure(page, "Users").getByText("5", { exact: true }).waitFor()

  const before = session.state().run?.history.length ?? 0
  await page.reload()
  await figure(page, "Users").getByText("5", { exact: true }).waitFor()
  assert.ok(before >= 2)
  assert.equal(await page.locator("#panel-charts canvas").count(), 3)

  await page.getByRole("button", { name: "Stop" }).click()
  await page.locator("#status", { hasText: "over" }).waitFor()
  await page.locator("#verdicts", { hasText: "kept: errors<1%" }).waitFor()
  assert.equal(results.length, 1)

  await page.getByRole("tab", { name: "Download" }).click()
  const downloading = page.waitForEvent("download")
  await page.getByRole("link", { name: "Statistics" }).click()
  const download = await downloading
  assert.equal(download.suggestedFilename(), "capstan_stats.csv")
  assert.match(readFileSync(await download.path(), "utf8"), /^Type,Name,[\s\S]*\/api\/v1\/hello/)

  await page.getByRole("button", { name: "New run" }).click()
  await page.getByText("Requests a second", { exact: true }).first().click()
  await page.getByLabel("Host").fill("nowhere")
  await page.getByRole("button", { name: "Start" }).click()
  await page.getByRole("alert").filter({ hasText: 'The target is "nowhere"' }).waitFor()

  await page.setViewportSize({ width: 360, height: 700 })
  assert.equal(await page.evaluate("document.documentElement.scrollWidth"), 360)
  await page.close()
})

test("nothing is changed without the token, for another page or under another name", async () => {
  await using target = await loadTarget()
  await using page = await served({ target: target.url, scenario: get })
  const form = { target: target.url, users: 1 }
  assert.equal((await page.post("/start", form, { "x-capstan-token": "guess" })).status, 403)
  assert.equal((await page.post("/start", form, { origin: "http://evil.example" })).status, 403)
  assert.equal((await page.post("/start", form, { origin: "null" })).status, 403)
  assert.equal((await fetch(`${page.url}/start`)).status, 404)
  assert.equal((await fetch(`${page.url}/stop`, { method: "PUT" })).status, 405)
  assert.equal(page.session.state().status, "idle")
  assert.equal(target.connections(), 0)

  // A foreign name that leads to 127.0.0.1; fetch can't lie about the host.
  const { port } = new URL(page.url)
  const socket = connect(Number(port), "127.0.0.1")
  socket.end("GET / HTTP/1.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n")
  const [answer] = await once(socket, "data")
  assert.match(String(answer), /^HTTP\/1\.1 403 /)
  socket.destroy()

  const { headers } = await fetch(page.url)
  assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'/)
  assert.equal(headers.get("access-control-allow-origin"), null)
})

test("what the form sends is checked, and a mistake leaves all as it was", async () => {
  await using target = await loadTarget()
  await using page = await served({ target: target.url, scenario: get })
  const refuses = async (path: string, body: unknown, expected: RegExp): Promise<void> => {
    const response = await page.post(path, body)
    assert.equal(response.status, 422)
    assert.match(((await response.json()) as { error: string }).error, expected)
  }
  const form = { target: target.url }
  await refuses("/start", {}, /host is missing/)
  await refuses("/start", null, /host is missing/)
  await refuses("/start", { ...form, users: "many" }, /users is "many"; it must be a number/)
  await refuses("/start", { ...form, users: 0 }, /users is 0/)
  await refuses("/start", { ...form, runTime: "long" }, /no duration/)
  await refuses("/start", { ...form, stages: "x".repeat(20_000) }, /More than 16384 bytes/)
  await refuses("/change", { users: 3 }, /Nothing is running/)
  assert.equal(page.session.state().status, "idle")

  assert.equal((await page.post("/start", { ...form, rate: 50 })).status, 200)
  await refuses("/start", { ...form, users: 1 }, /going on already/)
  await refuses("/change", { users: 3 }, /keeps its model/)
  assert.equal((await page.post("/change", { rate: 80 })).status, 200)
  assert.equal(page.session.state().run?.offered, "80 requests a second")
  assert.equal((await page.post("/stop", {})).status, 200)
})

test("every page that listens hears of everything, and the next run begins anew", async () => {
  await using target = await loadTarget()
  await using page = await served({ target: target.url, scenario: get })
  const listening = await Promise.all([1, 2].map(() => fetch(`${page.url}/events`)))
  const form = { target: target.url, rate: 20, runTime: "1200ms" }
  for (const round of [1, 2]) {
    assert.equal((await page.post("/start", form)).status, 200)
    while (page.results.length < round) await new Promise((resolve) => setTimeout(resolve, 10))
    assert.equal(page.results.at(-1)?.total.requests, 24)
  }
  for (const { body } of listening) {
    let text = ""
    for await (const chunk of body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString()
      if (text.split('"status":"over"').length > 2) break
    }
    const kinds = Array.from(text.matchAll(/"status":"(\w+)"/g), ([, status]) => status)
    const changes = kinds.filter((status, index) => status !== kinds[index - 1])
    assert.deepEqual(changes, [
      "idle",
      "starting",
      "running",
      "over",
      "starting",
      "running",
      "over",
    ])
    assert.match(text, /"kind":"second"/)
  }
})
