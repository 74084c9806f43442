/** Requests that a client sends without waiting for the answers in front of them. */
import assert from "node:assert/strict"
import { once } from "node:events"
import type { IncomingMessage, ServerResponse } from "node:http"
import { test } from "node:test"
import { balance, rawReplica, replica } from "../support/balancer.ts"
import { patienceMs } from "../support/patience.ts"
import { RawClient, statusOf } from "../support/raw-client.ts"

/** The status of the answer to what is no request. */
async function refusedLine(port: number): Promise<number> {
  using client = await RawClient.connect(port)
  client.write("nonsense", "", "")
  return statusOf(await client.read())
}

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`

/** Answers with the path: nothing until it is opened, and then all. */
function gate() {
  const waiting: (() => void)[] = []
  let isOpen = false
  return {
    waiting,
    answer: (request: IncomingMessage, response: ServerResponse): void => {
      const answer = (): void => void response.end(`${request.url};`)
      if (isOpen) answer()
      else waiting.push(answer)
    },
    open: (): void => {
      isOpen = true
      for (const answer of waiting.reverse()) answer()
    },
  }
}

test("of what a client sends without waiting, few are at replicas at a time, and all are answered", async () => {
  const { waiting, answer, open } = gate()
  await using a = await replica("a", answer)
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  const paths = Array.from({ length: 2000 }, (_, n) => `/${n}`)
  client.write(paths.map(get).join(""))
  while (waiting.length < 16) await new Promise(setImmediate)
  // More would come now: each of them takes a turn of the balancer or more.
  for (let turn = 0; turn < 10; turn += 1) assert.equal(await refusedLine(trial.port), 400)
  assert.equal(trial.balancer.stats().a?.outstanding, 16)
  open()
  await client.read("/1999;")
  assert.equal(waiting.length, 16)
  assert.deepEqual(client.received.match(/\/\d+(?=;)/g), paths)
})

test("of requests sent one behind the other, all are answered before the balancer closes", async () => {
  const { waiting, answer, open } = gate()
  await using a = await replica("a", answer)
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write(Array.from({ length: 40 }, (_, n) => get(`/${n}`)).join(""))
  while (waiting.length < 16) await new Promise(setImmediate)
  const closed = trial.balancer.close(patienceMs())
  open()
  const answers = (await client.read()).split("HTTP/1.1 200").slice(1)
  assert.equal(answers.length, 40)
  assert.deepEqual(
    answers.map((text) => /connection: close/i.test(text)),
    answers.map((_, n) => n === 39),
  )
  await closed
})

test("what can't be read costs what came before it nothing, and is not answered", async () => {
  const { waiting, answer, open } = gate()
  await using a = await replica("a", answer)
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write(Array.from({ length: 20 }, (_, n) => get(`/${n}`)).join(""), "nonsense\r\n\r\n")
  while (waiting.length < 16) await new Promise(setImmediate)
  open()
  const statuses = (await client.read()).match(/(?<=HTTP\/1\.1 )\d+/g) ?? []
  assert.deepEqual(statuses, Array(20).fill("200"))
})

test("what comes in front of an answer does not come into the middle of another", async () => {
  await using a = await rawReplica("a")
  await using trial = await balance([a])
  using client = await RawClient.connect(trial.port)
  client.write(get("/1") + get("/2"))
  const [one, two] = [await a.connection(), await a.connection()]
  const asked = String((await once(one, "data"))[0])
  const [first, second] = asked.startsWith("GET /1 ") ? [one, two] : [two, one]
  second.write(
    "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\n\r\n",
  )
  second.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsecond")
  while (trial.balancer.stats().a?.outstanding !== 1) await new Promise(setImmediate)
  first.write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst")
  const received = await client.read("second")
  assert.match(received, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\n\r\nfirstHTTP\/1\.1 200 OK\r\n/)
})
