/** Who is cut off when clients leave too much of their answers unread, on sockets that are none. */
import assert from "node:assert/strict"
import { EventEmitter } from "node:events"
import type { ServerResponse } from "node:http"
import { mock, type TestContext, test } from "node:test"
import { Unread } from "../../src/core/http/unread.ts"

const lookMs = 500

/** A client with an answer. */
class Client extends EventEmitter {
  readonly remoteAddress: string
  destroyed = false
  bytesWritten = 0
  readonly writableLength = 0
  readonly _handle = { bytesWritten: 0, writeQueueSize: 0 }
  readonly response = Object.assign(new EventEmitter(), {
    req: { socket: this },
    socket: this,
  }) as unknown as ServerResponse

  constructor(remoteAddress: string) {
    super()
    this.remoteAddress = remoteAddress
  }

  write(bytes: number): void {
    this.bytesWritten += bytes
    this._handle.bytesWritten += bytes
    this._handle.writeQueueSize += bytes
  }

  read(bytes: number): void {
    this._handle.writeQueueSize -= bytes
  }

  setTimeout(): void {}

  destroy(): void {
    this.destroyed = true
    this.emit("close")
  }
}

function trial(context: TestContext, bytesMax: number) {
  mock.timers.enable({ apis: ["setInterval"] })
  context.after(() => mock.timers.reset())
  let full = 0
  const unread = new Unread({
    bytesMax,
    stallMs: 1,
    full: () => {
      full += 1
    },
  })
  return {
    full: () => full,
    ask(address: string, bytes: number): Client {
      const client = new Client(address)
      client.write(bytes)
      unread.hold(client.response, bytes)
      return client
    },
    look: (times: number) => {
      for (let n = 0; n < times; n++) mock.timers.tick(lookMs)
    },
  }
}

const cutOff = (...clients: readonly Client[]): readonly number[] =>
  clients.flatMap(({ destroyed }, at) => (destroyed ? [at] : []))

test("who has taken nothing for longest is cut off for a newcomer, and not who reads slowly", (context) => {
  const { ask, look, full } = trial(context, 100)
  const slow = ask("a", 60)
  const silent = ask("a", 20)
  look(1)
  const later = ask("a", 20)
  for (let n = 0; n < 9; n++) {
    slow.read(1)
    look(1)
  }
  const newcomer = ask("a", 20)
  assert.deepEqual(cutOff(slow, silent, later, newcomer), [1])
  assert.equal(full(), 1)
})

test("of those who all read, who has the most before it is cut off", (context) => {
  const { ask } = trial(context, 100)
  const nearlyDone = ask("a", 50)
  const beginning = ask("a", 50)
  nearlyDone.read(40)
  beginning.read(10)
  const newcomer = ask("a", 10)
  assert.deepEqual(cutOff(nearlyDone, beginning, newcomer), [1])
})

test("a peer within its share loses nothing to one that takes more", (context) => {
  const { ask, look } = trial(context, 100)
  const few = ask("b", 20)
  look(5)
  const many = [ask("a", 40), ask("a", 40), ask("a", 40)]
  assert.deepEqual(cutOff(few, ...many), [1])
})

test("of very many, more go at once than would have to", (context) => {
  const { ask, full } = trial(context, 1_000)
  for (let n = 0; n <= 1_000; n++) ask("a", 1)
  assert.equal(full(), 126)
})

test("an answer that is alone may be of any size", (context) => {
  const { ask, full } = trial(context, 100)
  const alone = ask("a", 1_000)
  assert.deepEqual([cutOff(alone), full()], [[], 0])
})

test("what is taken, or was of who has left, counts no more", (context) => {
  const { ask, full } = trial(context, 100)
  ask("a", 100).response.emit("finish")
  ask("a", 100).destroy()
  const last = ask("a", 100)
  assert.deepEqual([cutOff(last), full()], [[], 0])
})
