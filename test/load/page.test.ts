/** The live page by hand: who may use it, what it takes, and what it tells. */
import assert from "node:assert/strict"
import { once } from "node:events"
import { connect } from "node:net"
import { describe, test } from "node:test"
import type { Greeting, NumberedEvent, PageState } from "../../src/load/page/events.ts"
import { listenersMax } from "../../src/load/page/stream.ts"
import { scenario } from "../../src/load/scenario/scenario.ts"
import { eventually } from "../support/cli.ts"
import { loadTarget } from "../support/load-target.ts"
import { ask, ScriptedTarget, type ServedPage, servedPage, stateWhen } from "../support/page.ts"

const get = scenario({ name: "home", tasks: { home: (user) => user.get("/") } })

// They wait for seconds to pass; so they do it together.
describe("the live page, by hand", { concurrency: true }, () => {
  test("nothing is changed without the token, for another page or under another name", async () => {
    await using target = await loadTarget()
    await using page = await servedPage({ config: { target: target.url, scenario: get } })
    const form = { target: target.url, users: 1 }
    assert.equal((await page.post("/start", form, { "x-capstan-token": "guess" })).status, 403)
    assert.equal((await page.post("/start", form, { origin: "http://evil.example" })).status, 403)
    assert.equal((await page.post("/start", form, { origin: "null" })).status, 403)
    assert.equal((await ask(`${page.url}/start`)).status, 404)
    const put = await ask(`${page.url}/stop`, { method: "PUT" })
    assert.deepEqual([put.status, put.headers.get("allow")], [405, "GET, HEAD, POST"])
    assert.equal(page.session.state().status, "idle")
    assert.equal(target.connections(), 0)

    // A foreign name that leads to 127.0.0.1.
    assert.match(await rawGet(new URL(page.url).port, "evil.example"), /^HTTP\/1\.1 403 /)

    const { headers } = await ask(page.url)
    assert.match(headers.get("content-security-policy") ?? "", /default-src 'none'/)
    assert.equal(headers.get("access-control-allow-origin"), null)
  })

  test("what the form sends is checked, and a mistake leaves all as it was", async () => {
    await using target = await loadTarget()
    await using page = await servedPage({ config: { target: target.url, scenario: get } })
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

  test("a login in the target is used and never shown", async () => {
    const logins = new Set<string | undefined>()
    await using target = await loadTarget(({ headers }, response) => {
      logins.add(headers.authorization)
      response.end("ok")
    })
    const withLogin = target.url.replace("://", "://user:s3cret@")
    await using page = await servedPage({ config: { target: withLogin, scenario: get } })
    const { form } = await stateOf(page)
    // As the page sends what it was told, and as somebody types it.
    for (const [round, typed] of [form.target, withLogin].entries()) {
      const run = { target: typed, rate: 20, runTime: "300ms" }
      assert.equal((await page.post("/start", run)).status, 200)
      await eventually(() => page.results[round], "the run's end")
    }
    assert.deepEqual([...logins], [`Basic ${btoa("user:s3cret")}`])
    const wrong = await page.post("/start", { target: "ftp://user:s3cret@host" })
    assert.match(await wrong.text(), /ftp:\/\/…@host/)
    const told = JSON.stringify([await stateOf(page), page.results])
    assert.doesNotMatch(told, /s3cret/)
  })

  test("a state and the events after it are the whole story, for whoever comes when", async () => {
    await using target = await loadTarget()
    await using page = await servedPage({ config: { target: target.url, scenario: get } })
    const listening = await Promise.all([1, 2].map(() => listenTo(page)))
    // The first is over soon after a second was told, the other before.
    for (const [round, runTime] of ["1100ms", "600ms"].entries()) {
      const form = { target: target.url, rate: 20, runTime }
      assert.equal((await page.post("/start", form)).status, 200)
      await eventually(() => page.results[round], "the run's end")
      assert.equal(page.results[round]?.total.requests, round === 0 ? 22 : 12)
    }
    const late = await stateOf(page)
    assert.equal(late.status, "over")
    assert.equal(late.run?.snapshot?.total.requests, 12)
    assert.deepEqual(
      late.log
        .map(({ text }) => text.split(/[:(]/)[0]?.trim())
        // Where a service of ours happens to run on this machine, and where others take its CPU.
        .filter((text) => !/^(The target is read from http$|The generator )/.test(text ?? "")),
      ["Started", "Over", "Started", "Over"],
    )
    for (const events of listening) {
      const told: NumberedEvent[] = []
      let number = 0
      for await (const event of events) {
        if (event.kind === "hello") number = event.number
        else if (event.kind === "ping") assert.equal(event.number, number)
        else {
          assert.equal(event.number, ++number, "no event is missing, and none comes twice")
          told.push(event)
        }
        if (number === late.number) break
      }
      // By run: how long a busy machine takes to end one decides how many there are.
      const seconds = [...runsOf(told)].map((run) => run.filter((event) => event.kind === "second"))
      assert.equal(seconds.length, 2)
      for (const run of seconds) {
        let pointMs = 0
        for (const { snapshot, row } of run) {
          const isMost = snapshot.elapsedMs - pointMs >= 500
          if (isMost) pointMs = snapshot.elapsedMs
          const what = "the rest of a second is no point of the charts, unless it is most of one"
          assert.equal(row !== null, isMost, what)
        }
      }
      const points = seconds[1]!.flatMap(({ row }) => (row === null ? [] : [row.timeMs]))
      assert.ok(points.length > 0)
      assert.deepEqual(late.run?.course.timeMs, points, "a state has the points that were told")
    }
  })

  test("a reset begins counters and charts anew, and the run goes on", async () => {
    let answered = 0
    await using target = await loadTarget((_, response) => {
      answered += 1
      response.end("ok")
    })
    await using page = await servedPage({ config: { target: target.url, scenario: get } })
    assert.equal((await page.post("/reset", {})).status, 422)
    await page.post("/start", { target: target.url, rate: 50 })
    const counted = async () => (await stateOf(page)).run?.snapshot?.total.requests ?? 0
    const before = await eventually(async () => (await counted()) || undefined, "a second's count")
    assert.ok(((await stateOf(page)).run?.course.timeMs.length ?? 0) > 0)
    // As it is in that very moment: the next second may be told before the answer has come.
    const reset = stateWhen(page.session, /begin anew/)
    assert.equal((await page.post("/reset", {})).status, 200)
    const { status, run } = await reset
    assert.equal(status, "running")
    assert.equal(run?.snapshot, null)
    assert.deepEqual(run?.course.timeMs, [])
    const after = await eventually(async () => (await counted()) || undefined, "a count anew")
    assert.ok(
      after <= answered - before,
      `${after} of ${answered} since the reset, ${before} before`,
    )
  })

  test("one endpoint has a course of its own, and an unknown one has none", async () => {
    await using target = await loadTarget()
    const two = scenario({
      tasks: {
        async both({ get, post }) {
          await get("/a")
          await post("/b?x=1", { name: "/b", json: {} })
        },
      },
    })
    await using page = await servedPage({ config: { target: target.url, scenario: two } })
    await page.post("/start", { target: target.url, rate: 40 })
    const busySecond = async () => {
      const asked = await ask(`${page.url}/endpoint?method=POST&name=${encodeURIComponent("/b")}`)
      const { columns } = (await asked.json()) as { columns?: Record<string, (number | null)[]> }
      const second = columns?.requestsPerS?.findIndex((value) => (value ?? 0) > 20) ?? -1
      return second < 0 ? undefined : { p99: columns?.p99?.[second] }
    }
    const { p99 } = await eventually(busySecond, "a second with more than 20 of them")
    assert.ok((p99 ?? 0) > 0)
    assert.equal((await ask(`${page.url}/endpoint?method=GET&name=/c`)).status, 404)
  })

  test("the target is watched before, during and after a run, on one time line", async () => {
    await using target = await loadTarget()
    const source = new ScriptedTarget({ replicas: { wanted: 1, present: 1, ready: 1 }, queued: 7 })
    const config = { target: target.url, scenario: get }
    await using page = await servedPage({ config, source, front: "target" })
    const idle = await stateOf(page)
    assert.equal(idle.front, "target")
    assert.equal(idle.run, null)
    assert.equal(idle.target?.reading?.queued, 7)
    await page.post("/start", { target: target.url, rate: 20, runTime: "1100ms" })
    await eventually(() => page.results[0], "the run's end")
    const { target: watched } = page.session.state()
    const { reads } = source
    assert.ok((watched?.course.timeMs.length ?? 0) >= 2)
    assert.ok((watched?.course.timeMs[0] ?? 0) >= idle.openedAtMs)
    // The run takes what the watch has read, and does not ask a second time.
    assert.equal(page.results[0]?.history[0]?.target?.queued, 7)
    assert.ok(reads <= (watched?.course.timeMs.length ?? 0) + 1)
    await page.session.close()
    assert.equal(source.followers, 0)
  })

  test("HEAD is answered as GET is, without a body", async () => {
    await using target = await loadTarget()
    await using page = await servedPage({ config: { target: target.url, scenario: get } })
    await page.post("/start", { target: target.url, rate: 50, runTime: "100ms" })
    await eventually(() => page.results[0], "the run's end")
    const asked = async (path: string, method: string) => {
      const answer = await ask(page.url + path, { method })
      const headers = Object.fromEntries(answer.headers)
      // What is the connection's, or the moment's, is no matter of the method.
      for (const name of ["date", "connection", "keep-alive"]) delete headers[name]
      return { status: answer.status, headers, answer }
    }
    for (const path of [
      ...["/", "/page.js", "/uplot.css", "/state", "/endpoint?method=GET&name=/"],
      ...["/download/stats.csv", "/download/report.html"],
      ...["/endpoint?method=GET&name=/c", "/download/nothing", "/start", "/nothing"],
    ]) {
      const [gotten, headed] = [await asked(path, "GET"), await asked(path, "HEAD")]
      assert.equal(headed.status, gotten.status, path)
      assert.deepEqual(headed.headers, gotten.headers, path)
      assert.equal(await headed.answer.text(), "")
      const bytes = (await gotten.answer.bytes()).length
      assert.equal(headed.headers["content-length"], String(bytes), path)
    }
    // Events have no end; who asks for their headers has them and does not listen.
    for (let asks = 0; asks <= listenersMax; asks++) {
      const { status, headers, answer } = await asked("/events", "HEAD")
      assert.deepEqual([status, headers["content-type"]], [200, "text/event-stream"])
      assert.equal(await answer.text(), "")
    }
    const { port } = new URL(page.url)
    assert.match(await rawGet(port, "evil.example", "HEAD"), /^HTTP\/1\.1 403 /)
  })

  test("told to listen elsewhere, the page answers to addresses and to no foreign name", async () => {
    await using target = await loadTarget()
    const config = { target: target.url, scenario: get }
    await using page = await servedPage({ config }, "0.0.0.0")
    const { port } = new URL(page.url)
    assert.equal((await ask(`http://127.0.0.1:${port}/`)).status, 200)
    assert.match(await rawGet(port, "192.0.2.7"), /^HTTP\/1\.1 200 /)
    assert.match(await rawGet(port, "evil.example"), /^HTTP\/1\.1 403 /)
  })

  test("another site, or another port, can neither listen nor have the page at work", async () => {
    await using target = await loadTarget()
    await using page = await servedPage({ config: { target: target.url, scenario: get } })
    const asked = (path: string, site: string, mode: string, dest: string) => {
      const headers = { "sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest }
      return rawGet(new URL(page.url).port, "127.0.0.1", "GET", path, headers)
    }
    const refused = /^HTTP\/1\.1 403 .*from other pages/s
    for (const site of ["cross-site", "same-site"]) {
      for (const path of ["/events", page.events.slice(page.url.length), "/state", "/endpoint"]) {
        assert.match(await asked(path, site, "no-cors", "image"), refused)
        assert.match(await asked(path, site, "navigate", "document"), refused)
      }
      assert.match(await asked("/download/report.html", site, "navigate", "document"), refused)
      assert.match(await asked("/", site, "navigate", "iframe"), refused)
      assert.match(await asked("/", site, "no-cors", "image"), refused)
      assert.match(await asked("/", site, "navigate", "document"), /^HTTP\/1\.1 200 /)
    }
    assert.match(await asked("/state", "none", "navigate", "document"), /^HTTP\/1\.1 200 /)
    assert.match(await asked("/state", "same-origin", "cors", "empty"), /^HTTP\/1\.1 200 /)
  })

  test("who does not show that it is the page is greeted, and takes no place", async () => {
    await using target = await loadTarget()
    await using page = await servedPage({ config: { target: target.url, scenario: get } })
    for (const query of ["", "?token=", "?token=guess"]) {
      for (let asks = 0; asks <= listenersMax; asks++) {
        const greeted = await ask(`${page.url}/events${query}`)
        assert.equal(greeted.status, 200)
        assert.match(await greeted.text(), /^retry: 1000\ndata: \{"kind":"hello"[^\n]*\}\n\n$/)
      }
    }
  })

  test("no more pages listen than are allowed, and one that leaves makes room", async () => {
    await using target = await loadTarget()
    await using page = await servedPage({ config: { target: target.url, scenario: get } })
    const listen = () => ask(page.events)
    const listening = await Promise.all(Array.from({ length: listenersMax }, listen))
    assert.equal((await listen()).status, 503)
    assert.equal((await ask(page.events, { method: "HEAD" })).status, 503)
    // They are held until here: fetch cancels the body of a response that nobody holds.
    await listening.pop()?.body?.cancel()
    await eventually(async () => {
      const one = await listen()
      if (one.status === 200) return listening.push(one)
      await one.body?.cancel()
      return undefined
    }, "room for one more")
    for (const { body } of listening) await body?.cancel()
  })
})

async function stateOf({ url }: ServedPage): Promise<PageState> {
  return (await (await ask(`${url}/state`)).json()) as PageState
}

/** What was told of each run, from its being started on. */
function runsOf(told: readonly NumberedEvent[]): readonly (readonly NumberedEvent[])[] {
  const starts = told.flatMap((event, index) =>
    event.kind === "said" && event.said.text.startsWith("Started") ? [index] : [],
  )
  return starts.map((start, index) => told.slice(start, starts[index + 1]))
}

type Greeted<Kind extends Greeting["kind"]> = Greeting & { readonly kind: Kind }
type Told = NumberedEvent | Greeted<"hello"> | Greeted<"ping">

/** Answers once it is heard, so that nothing after that is missed. */
async function listenTo({ events }: ServedPage): Promise<AsyncIterable<Told>> {
  const response = await ask(events)
  return (async function* () {
    let text = ""
    // By way of the response: when nobody holds it, its body is cancelled.
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk as Uint8Array).toString()
      const whole = text.split("\n\n")
      text = whole.pop() ?? ""
      for (const event of whole) yield JSON.parse(event.slice(event.indexOf("data: ") + 6)) as Told
    }
  })()
}

/** Fetch can't lie about the host. */
async function rawGet(
  port: string,
  host: string,
  method = "GET",
  path = "/",
  headers: Readonly<Record<string, string>> = {},
): Promise<string> {
  const socket = connect(Number(port), "127.0.0.1")
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}`)
  socket.write(`${[`${method} ${path} HTTP/1.1`, ...lines].join("\r\n")}\r\n\r\n`)
  const [answer] = await once(socket, "data")
  socket.destroy()
  return String(answer)
}
