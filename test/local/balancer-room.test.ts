/** Connections to replicas when there may be few. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { Room } from "../../src/local/balancer/room.ts"
import { balance, rawReplica, replica } from "../support/balancer.ts"
import { RawClient } from "../support/raw-client.ts"

test("one that is idle is closed for a new one, the one that has been so for longest", () => {
  const closed: string[] = []
  const room = new Room(2, () => {})
  const [a, b] = ["a", "b"].map((name) => {
    const connection = { destroy: () => closed.push(name) }
    return room.add(() => connection)
  })
  assert.equal(room.isFull, true)
  room.idle(b!)
  room.idle(a!)
  assert.equal(room.isFull, false)
  const c = room.add(() => ({ destroy: () => closed.push("c") }))
  assert.deepEqual(closed, ["b"])
  room.closed(b!)
  room.busy(a!)
  assert.equal(room.isFull, true)
  room.closed(c)
  assert.equal(room.isFull, false)
})

test("while all may be in use, requests wait for one, be it free or gone", async () => {
  await using a = await rawReplica("a")
  await using trial = await balance([a], { upstreamConnectionsMax: 1 })
  const answers = [1, 2, 3].map((n) => trial.call({ path: `/${n}` }))
  const first = await a.connection()
  first.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1")
  assert.equal((await answers[0]!).text, "1")
  first.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\n2")
  assert.equal((await answers[1]!).text, "2")
  const second = await a.connection()
  second.write("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n3")
  assert.equal((await answers[2]!).text, "3")
})

test("who waits for one in vain is told why", async () => {
  await using a = await replica("a", () => {})
  await using trial = await balance([a], { upstreamConnectionsMax: 1, waitMs: 1, waitingMax: 1 })
  using busy = await RawClient.connect(trial.port)
  busy.write("GET / HTTP/1.1", "Host: x", "", "")
  while (a.connections() === 0) await new Promise(setImmediate)
  const { status, text } = await trial.call()
  assert.equal(status, 503)
  assert.match(text, /All connections to replicas .* are in use, and none became free in time/)
})
