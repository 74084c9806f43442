import assert from "node:assert/strict"
import http from "node:http"
import { test } from "node:test"
import { serveTrial } from "../support/server.ts"

/** Answers by status. */
type Answers = Map<number, number>

/** Calls from an address, on connections of its own, and counts the answers. */
function clientAt(localAddress: string, port: number, answers: Answers) {
  const agent = new http.Agent({ keepAlive: true })
  const call = async (body: unknown): Promise<number> => {
    const { promise, resolve, reject } = Promise.withResolvers<number>()
    const headers = { "content-type": "application/json" }
    const request = http.request(
      { host: "127.0.0.1", port, method: "POST", path: "/spin", localAddress, agent, headers },
      (response) => {
        response.resume()
        response.on("end", () => resolve(response.statusCode!))
      },
    )
    request.on("error", reject)
    request.end(JSON.stringify(body))
    const status = await promise
    answers.set(status, (answers.get(status) ?? 0) + 1)
    return status
  }
  return { call, [Symbol.dispose]: () => agent.destroy() }
}

test("a client with a hundred connections that never pause leaves another its turns", async () => {
  await using trial = await serveTrial({ workers: 1, spareWorkers: 0, queueMax: 20 })
  const port = Number(new URL(trial.server.url).port)
  const [floods, others]: [Answers, Answers] = [new Map(), new Map()]
  using flood = clientAt("127.0.0.2", port, floods)
  using other = clientAt("127.0.0.1", port, others)
  let isOver = false
  const never = async (): Promise<void> => {
    while (!isOver) await flood.call({ ms: 10 }).catch(() => {})
  }
  const flooding = Array.from({ length: 100 }, never)
  try {
    // An overload keeps the queue short, so that it is full for a moment at most.
    while (!floods.has(503)) await new Promise(setImmediate)
    for (let n = 0; n < 20; n++) {
      // Asks for no more than a third of what the flood gets.
      const enough = (floods.get(200) ?? 0) + 3
      while ((floods.get(200) ?? 0) < enough) await new Promise(setImmediate)
      await other.call({ ms: 10 })
    }
  } finally {
    isOver = true
    await Promise.all(flooding)
  }
  const shown = JSON.stringify({ others: [...others], floods: [...floods] })
  assert.ok((others.get(200) ?? 0) >= 18, `at least nine of ten are answered: ${shown}`)
  assert.ok((floods.get(503) ?? 0) > 100, `the flood is too much: ${shown}`)
})
