/** One request at one replica, without a client. */
import assert from "node:assert/strict"
import { test } from "node:test"
import { type Asker, Attempt } from "../../src/local/balancer/attempt.ts"
import { requestHead } from "../../src/local/balancer/message.ts"
import { Room } from "../../src/local/balancer/room.ts"
import { Upstream } from "../../src/local/balancer/upstream.ts"
import { Upstreams } from "../../src/local/balancer/upstreams.ts"
import { replica } from "../support/balancer.ts"

test("who leaves when all is over does not take the connection along", async () => {
  const { promise: asked, resolve: isAsked } = Promise.withResolvers<() => void>()
  await using a = await replica("a", ({ url }, response) => {
    if (url === "/first") response.end("first")
    else isAsked(() => response.end("second"))
  })
  const upstream = new Upstream(a, new Room(1, () => {}))
  const send = (path: string) => {
    const { promise: text, resolve } = Promise.withResolvers<string>()
    let received = ""
    const asker: Asker = {
      connected() {},
      interim() {},
      answered() {},
      data(bytes) {
        received += bytes
      },
      ended() {},
      settled() {},
      drained() {},
      failed: (_, error) => resolve(error.message),
      broken: () => resolve("broken"),
      over: () => resolve(received),
    }
    const message = {
      method: "GET",
      head: requestHead("GET", path, ["host", "x"]),
      body: Buffer.alloc(0),
      isChunked: false,
      mayUpgrade: false,
    }
    const upstreams = new Upstreams({
      waitingMax: 0,
      upstreamConnectionsMax: 1,
      logged: () => {},
    })
    return { attempt: new Attempt(upstreams, upstream, message, asker), text }
  }
  const first = send("/first")
  assert.equal(await first.text, "first")
  const second = send("/second")
  const answer = await asked
  first.attempt.pause()
  first.attempt.leave()
  answer()
  assert.equal(await second.text, "second")
  assert.equal(a.connections(), 1)
  assert.equal(upstream.outstanding, 0)
  upstream.close(0)
})
