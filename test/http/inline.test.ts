import assert from "node:assert/strict"
import { once } from "node:events"
import { test } from "node:test"
import * as z from "zod"
import { type Context, operation } from "../../src/service/operation.ts"
import { problem } from "../../src/service/problem.ts"
import { serveApi } from "../support/api.ts"
import { RawClient } from "../support/raw-client.ts"

const main = { method: "GET", thread: "main", output: z.any() } as const

test("an operation on the main thread needs no admission", async () => {
  await using api = await serveApi({
    ping: operation({ ...main, path: "/ping", run: () => ({ ping: "pong!" }) }),
  })
  api.compute.shed = { kind: "shed", reason: "queue-full", retryAfterMs: 1 }
  const { status, json } = await api.call("GET", "/ping")
  assert.deepEqual([status, json], [200, { ping: "pong!" }])
  assert.deepEqual([api.compute.arrivals, api.compute.calls], [[], []])
})

test("it has a context like any other", async () => {
  let seen: Context<unknown> | undefined
  await using api = await serveApi({
    it: operation({
      ...main,
      path: "/",
      deadlineMs: 3_600_000,
      run(_, context) {
        seen = context
        context.log.warn("watch out", { n: 1 })
        return null
      },
    }),
  })
  const nowMs = Date.now()
  await api.call("GET", "/", { headers: { "x-request-id": "it-1" } })
  assert.equal(seen?.requestId, "it-1")
  // By two clocks, of which one may have been set in the meantime.
  const arrivedAtMs = (seen?.deadlineAtMs ?? 0) - 3_600_000
  assert.ok(arrivedAtMs > nowMs - 10_000 && arrivedAtMs < Date.now() + 10_000)
  assert.equal(seen?.signal.aborted, false)
  const line = api.logged.find(({ msg }) => msg === "watch out")
  assert.deepEqual([line?.level, line?.n, line?.requestId, line?.operation], [40, 1, "it-1", "it"])
})

test("its problems are the client's, its bugs the log's, its output checked", async () => {
  const wrong = (run: () => unknown) =>
    operation({ ...main, path: "/", output: z.int(), run: run as () => number })
  for (const [run, status, logged] of [
    [
      () => {
        throw problem(402, "Pay.")
      },
      402,
      undefined,
    ],
    [
      async () => {
        throw problem(402, "Pay.")
      },
      402,
      undefined,
    ],
    [
      () => {
        throw new Error("a bug")
      },
      500,
      /a bug/,
    ],
    [
      async () => {
        throw "a string"
      },
      500,
      /a string/,
    ],
    [() => "no number", 500, /GET \/.*does not fit/],
    [async () => "no number", 500, /GET \/.*does not fit/],
  ] as const) {
    await using api = await serveApi({ it: wrong(run) })
    const answer = await api.call("GET", "/")
    assert.equal(answer.status, status)
    const [record] = await api.untilRecords(1)
    assert.equal(record?.outcome, status === 402 ? "problem" : "error")
    const fault = api.logged.find(({ err }) => err !== undefined)
    assert.equal(fault === undefined, logged === undefined)
    if (logged) assert.match(JSON.stringify(fault), logged)
  }
})

test("an asynchronous one is given up on at its deadline, with its signal aborted", async () => {
  const aborted = Promise.withResolvers<unknown>()
  await using api = await serveApi({
    it: operation({
      ...main,
      path: "/",
      deadlineMs: 30,
      async run(_, { signal }) {
        await once(signal, "abort")
        aborted.resolve(signal.reason)
        throw new Error("too late to matter")
      },
    }),
  })
  const { status } = await api.call("GET", "/")
  assert.equal(status, 504)
  assert.match(String(await aborted.promise), /no longer wanted/)
  assert.ok(!api.logged.some(({ err }) => err !== undefined))
})

test("a client that leaves aborts it, unless it is to be finished", async () => {
  for (const onDisconnect of ["cancel", "finish"] as const) {
    const begun = Promise.withResolvers<AbortSignal>()
    const end = Promise.withResolvers<null>()
    await using api = await serveApi({
      it: operation({
        ...main,
        path: "/",
        onDisconnect,
        run(_, { signal }) {
          begun.resolve(signal)
          return end.promise
        },
      }),
    })
    using client = await RawClient.connect(api.port)
    client.write("GET / HTTP/1.1", "host: x", "", "")
    const signal = await begun.promise
    client.socket.destroy()
    const [record] = await api.untilRecords(1)
    assert.equal(record?.status, 499)
    assert.equal(signal.aborted, onDisconnect === "cancel")
    end.resolve(null)
  }
})
