/** What is sent to a service costs nobody but who has sent it, however much or wrong it is. */
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { eventually } from "../support/cli.ts"
import { type ServedTrial, serveTrial } from "../support/server.ts"

const fixture = new URL("../fixtures/http/bodies.ts", import.meta.url)
let trial: ServedTrial
before(async () => {
  trial = await serveTrial({ cancelGraceMs: 50, workerMemoryMiB: 1024 }, fixture)
})
after(() => trial[Symbol.asyncDispose]())

/** More than the main thread reads. */
const padding = "x".repeat(5000)
const endless = `${"a".repeat(50)}!`

interface Sent {
  readonly method?: string
  readonly type?: string
  readonly headers?: Record<string, string>
  readonly body?: string | Uint8Array<ArrayBuffer> | FormData
}

async function send(path: string, { method = "POST", type, headers = {}, body }: Sent = {}) {
  const response = await fetch(trial.server.url + path, {
    method,
    headers: { ...(type === undefined ? {} : { "content-type": type }), ...headers },
    ...(body === undefined ? {} : { body }),
  })
  const contentType = response.headers.get("content-type")
  return { status: response.status, contentType, text: await response.text() }
}

const json = (body: string | Uint8Array<ArrayBuffer>): Sent => ({ type: "application/json", body })

function formOf(fields: Readonly<Record<string, string | Blob>>): FormData {
  const form = new FormData()
  for (const [name, value] of Object.entries(fields)) {
    if (typeof value === "string") form.append(name, value)
    else form.append(name, value, "file.txt")
  }
  return form
}

test("whatever is sent has the same answer, on whichever thread it is read", async () => {
  const deep = `{"list":${"[".repeat(200)}${"]".repeat(200)}}`
  const list = (length: number) => JSON.stringify(Array.from({ length }, (_, n) => n))
  const sent: readonly (readonly [path: string, sent: Sent, status: number])[] = [
    ["/1", json('{"list":[1,2]}'), 200],
    ["/1?n=5&list=1&list=2", { ...json('{"list":[]}'), headers: { "x-n": "7" } }, 200],
    ["/1", json('\uFEFF{"list":[]}'), 200],
    ["/1", json('{"list":['), 400],
    ["/1", json(new Uint8Array([0x22, 0xff, 0x22])), 400],
    ["/1", json(deep), 400],
    ["/1", json('{"__proto__":{}}'), 400],
    ["/1", json('{"\\u005f_proto__":{}}'), 400],
    ["/1", json('{"constructor":{"prototype":{}}}'), 400],
    ["/1?__proto__=1", json('{"list":[]}'), 400],
    ["/1", {}, 422],
    ["/x", json('{"list":["x"],"more":1}'), 422],
    ["/x?n=y&list=z", { ...json('{"list":1}'), headers: { "x-n": "no" } }, 422],
    ["/1", json(JSON.stringify({ list: Array(1000).fill("x") })), 422],
    ["/1", json(JSON.stringify({ list: Array(200).fill("x"), ["é".repeat(300)]: 1 })), 422],
    ["/1", json(`{"list":${list(3000)}}`), 200],
    ["/1", json(`{"list":${list(30_000)}`), 400],
    ["/1", { type: "application/vnd.api+json", body: `{"list":${list(3000)}}` }, 200],
    ["/%31", json('{"list":[]}'), 200],
  ]
  for (const [path, body, status] of sent) {
    const here = await send(`/here${path}`, body)
    const there = await send(`/there${path}`, body)
    assert.equal(here.status, status, `${path} ${here.text}`)
    assert.deepEqual(there, here)
  }
})

test("so has a form", async () => {
  const one = new Blob(["hello"], { type: "text/plain" })
  const large = new Blob(["x".repeat(300_000)], { type: "text/plain" })
  const typed = (text: string) => new Blob([text], { type: "application/json" })
  for (const [fields, status] of [
    [{ n: "5", one }, 200],
    [{ n: "5", list: "[1,2]", one: large }, 200],
    [{ n: "5", list: typed("[1,2]"), one }, 200],
    [{ n: "5", list: typed(JSON.stringify(Array(5000).fill(1))), one }, 200],
    [{ n: "5", list: typed("[1,"), one }, 400],
    [{ n: "5", list: typed('{"__proto__":1}'), one }, 400],
    [{ n: "five", list: "[1,2", more: "1" }, 422],
    [{ n: "5", one, three: one }, 422],
    [{ n: "5", list: JSON.stringify(Array(5000).fill("x")), one }, 422],
  ] as const) {
    const here = await send("/form-here", { body: formOf(fields) })
    const there = await send("/form-there", { body: formOf(fields) })
    assert.equal(here.status, status, here.text)
    assert.deepEqual(there, here)
  }
})

test("little of plain data is checked on the main thread, and all else on a worker", async () => {
  const text = (length: number) => json(JSON.stringify({ where: "x".repeat(length) }))
  for (const [path, sent, wanted] of [
    ["/where", text(1), "main"],
    ["/where", text(4000), "main"],
    ["/where", text(4096), "worker"],
    ["/where", text(900_000), "worker"],
    ["/where-always", text(1), "worker"],
    ["/where-pattern", text(1), "worker"],
    ["/where-query?where=x", { method: "GET" }, "main"],
    [`/where-query?where=${padding}`, { method: "GET" }, "worker"],
    ["/where-header", { method: "GET", headers: { "x-where": "x" } }, "main"],
    ["/where-header", { method: "GET", headers: { "x-where": padding } }, "worker"],
    ["/where-form", { body: formOf({ where: "x" }) }, "main"],
    ["/where-form", { body: formOf({ where: "x", more: padding }) }, "worker"],
    ["/where-form", { body: formOf({ where: "x", json: `[${"1,".repeat(3000)}1]` }) }, "worker"],
    ["/where-main", text(1), "main"],
    ["/where-main-large", text(50_000), "main"],
  ] as const) {
    const { status, text } = await send(path, sent as Sent)
    assert.equal(status, 422, text)
    assert.equal(JSON.parse(text).errors[0].message, wanted, path)
  }
})

test("what runs on the main thread takes no more than is parsed there at once, unless it says so", async () => {
  const { status, text } = await send("/where-main", json(JSON.stringify({ where: padding })))
  assert.equal(status, 413)
  assert.match(text, /at most 4096 bytes/)
})

test("a check that does not end keeps one worker, until its client leaves, and nobody waits", async () => {
  await trial.untilDemand(({ busy }) => busy === 0)
  const body = JSON.stringify({ text: endless })
  const form = formOf({ text: endless })
  for (const [path, init] of [
    ["/pattern", { method: "POST", headers: { "content-type": "application/json" }, body }],
    [`/pattern/${endless}`, {}],
    [`/pattern?text=${endless}`, {}],
    ["/pattern-header", { headers: { "x-text": endless } }],
    ["/pattern-form", { method: "POST", body: form }],
    ["/refinement", { method: "POST", headers: { "content-type": "application/json" }, body }],
  ] as const) {
    const client = new AbortController()
    const call = fetch(trial.server.url + path, { ...init, signal: client.signal })
    const left = assert.rejects(call)
    await trial.untilDemand(({ busy }) => busy === 1)
    for (let n = 0; n < 20; n++) assert.equal((await trial.probe("/livez")).status, 200)
    assert.equal((await send("/pattern", json('{"text":"aaa"}'))).status, 200)
    assert.equal((await trial.probe("/demand")).json.busy, 1, `${path} is not over`)
    client.abort()
    await left
    await trial.untilDemand(({ busy }) => busy === 0)
  }
})

test("a check that does not end is late like any work", async () => {
  for (const path of ["/late", "/waits"]) {
    let answer = { status: 503, text: "" }
    // Refused while no worker is free, since each takes its worker with it.
    while (answer.status === 503) {
      answer = await send(path, json(JSON.stringify({ text: endless })))
    }
    assert.equal(answer.status, 504)
    assert.equal(JSON.parse(answer.text).title, "Gateway Timeout")
  }
  await trial.untilDemand(({ busy }) => busy === 0)
  assert.equal((await send("/pattern", json('{"text":"aaa"}'))).status, 200)
})

test("probes are answered while a great many wrong items are checked, and nothing is held afterwards", async () => {
  await trial.untilDemand(({ busy }) => busy === 0)
  const wrong = `[${Array(200_000).fill("{}").join(",")}]`
  let isOver = false
  const call = send("/union", json(wrong)).finally(() => {
    isOver = true
  })
  await trial.untilDemand(({ busy }) => busy === 1 || isOver)
  assert.equal(isOver, false, "probes are answered before it is over")
  assert.equal((await trial.probe("/livez")).status, 200)
  const { status, text } = await call
  assert.equal(status, 422)
  const { errors, errorsLeftOut } = JSON.parse(text)
  assert.deepEqual([errors.length, errorsLeftOut], [100, 199_900])
  while (!/^capstan_body_bytes_held 0$/m.test((await trial.probe("/metrics")).text));
})

test("what a worker finds wrong is a mistake of the client in the metrics", async () => {
  const counted = async (outcome: string): Promise<number> => {
    const line = `capstan_request_duration_seconds_count{operation="whereAlways",outcome="${outcome}"}`
    const text = (await trial.probe("/metrics")).text
    return Number(
      text
        .split("\n")
        .find((one) => one.startsWith(line))
        ?.split(" ")[1] ?? 0,
    )
  }
  const before = await counted("bad-request")
  await send("/where-always", json('{"where":"x"}'))
  // Who asks soon after another gets the same metrics.
  await eventually(
    async () => (await counted("bad-request")) === before + 1 || undefined,
    "it to be counted",
  )
  assert.equal(await counted("problem"), 0)
})

test("what an input costs is found out on the worker when it is read there", async () => {
  const costs = (first: number, length: number) =>
    send("/costly", json(JSON.stringify([first, ...Array(length).fill(1)])))
  for (const length of [1, 5000]) {
    const tooMuch = await costs(601, length)
    assert.equal(tooMuch.status, 422)
    assert.equal(JSON.parse(tooMuch.text).errors[0].code, "over_deadline")
    const fits = await costs(0, length)
    assert.deepEqual([fits.status, fits.text], [200, String(length + 1)])
  }
  const late = await send("/costly", {
    ...json(JSON.stringify([1, ...Array(5000).fill(1)])),
    headers: { "x-envoy-expected-rq-timeout-ms": "900" },
  })
  assert.equal(JSON.parse(late.text).errors[0].code, "over_deadline")
  assert.equal((await send("/costless", json("[1]"))).status, 500)
})

test("bytes arrive whole and alone, however many", async () => {
  for (const length of [0, 10, 4096, 4097, 65_536, 70_000, 1_000_000]) {
    const body = new Uint8Array(length).map((_, at) => at % 7)
    const { text } = await send("/digest", { type: "application/octet-stream", body })
    const sum = body.reduce((all, byte) => all + byte, 0)
    assert.deepEqual(JSON.parse(text), { sum, alone: true })
  }
})

test("long answers and long items are whole as well", async () => {
  for (const length of [1, 20_000, 1_000_000]) {
    const { text } = await send(`/answer?length=${length}`)
    assert.equal(text, JSON.stringify("é".repeat(length)))
  }
  const lengths = [3, 100_000, 0]
  const items = lengths.map((length) => JSON.stringify("x".repeat(length)))
  const lines = await send("/stream", json(JSON.stringify(lengths)))
  assert.equal(lines.text, items.map((item) => `${item}\n`).join(""))
  const events = await send("/stream", {
    ...json(JSON.stringify(lengths)),
    headers: { accept: "text/event-stream" },
  })
  assert.deepEqual(
    Array.from(events.text.matchAll(/^data: (.*)$/gm), ([, data]) => data),
    [...items, "{}"],
  )
})
