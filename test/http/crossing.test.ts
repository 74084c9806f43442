/** What a schema makes of the input is what `run` gets, on whichever thread. */
import assert from "node:assert/strict"
import { after, before, test } from "node:test"
import { type ServedTrial, serveTrial } from "../support/server.ts"

let trial: ServedTrial
before(async () => {
  trial = await serveTrial({}, new URL("../fixtures/http/instances.ts", import.meta.url))
})
after(() => trial[Symbol.asyncDispose]())

for (const library of ["zod", "arktype", "valibot"]) {
  test(`an instance that a schema of ${library} makes is one where it is used`, async () => {
    const { status, json } = await trial.call("POST", `/${library}`, { at: "https://a.example/b" })
    assert.equal(status, 200)
    assert.deepEqual(json, { host: "a.example", inWorker: true })
    const wrong = await trial.call("POST", `/${library}`, { at: 1 })
    assert.equal(wrong.status, 422)
  })
}

test("on the main thread nothing has to cross", async () => {
  const { json } = await trial.call("POST", "/main", { at: "https://a.example" })
  assert.deepEqual(json, { host: "a.example", inWorker: false })
})

test("instances come out of path, query and headers too", async () => {
  const at = (name: string) => encodeURIComponent(`https://${name}.example`)
  const { json } = await trial.call(
    "GET",
    `/query/${at("path")}?n=1&at=${at("query")}`,
    undefined,
    {
      headers: { "x-from": "https://header.example" },
    },
  )
  assert.deepEqual(json, ["path.example", "query.example", "header.example"])
})

test("a form's files move all the same", async () => {
  const form = new FormData()
  form.append("at", "https://a.example")
  form.append("text", new File(["hi"], "a.txt"))
  const response = await fetch(`${trial.server.url}/form`, { method: "POST", body: form })
  assert.deepEqual(await response.json(), { host: "a.example", text: "hi" })
})

test("everything that a schema can make arrives as what it is", async () => {
  const { json } = await trial.call("POST", "/kinds", "2026-01-02")
  assert.deepEqual(json, {
    date: 2026,
    map: true,
    bytes: 2,
    buffer: "6162",
    money: 5,
    list: [6],
    error: true,
    add: 2,
  })
})

test("what makes things of its own is run once, on the worker", async () => {
  const { json } = await trial.call("POST", "/data", { at: "2026-01-02", list: [{ a: [1] }] })
  assert.deepEqual(json, { isDate: true, size: 1, list: [{ a: [1] }], counted: 1 })
})

test("where a cost is told from what a schema makes, `run` gets it all the same", async () => {
  const { json } = await trial.call("POST", "/cost", { at: "https://a.example/b" })
  assert.deepEqual(json, { host: "a.example", inWorker: true })
  const tooMuch = await trial.call("POST", "/cost", { at: "https://too-much.example" })
  assert.equal(tooMuch.json.errors[0].code, "over_deadline")
})

test("what refers to itself, and what is nested without end, arrives as well", async () => {
  for (const length of [0, 1000, 100_000]) {
    const { json } = await trial.call("POST", "/endless", length)
    assert.equal(json, true)
  }
})

test("a schema that does not decide the same way twice has its last word on the worker", async () => {
  const { status, json } = await trial.call("POST", "/fickle", { at: "https://a.example" })
  assert.equal(status, 422)
  assert.equal(json.errors[0].message, "only there")
})
