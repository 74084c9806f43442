import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { test } from "node:test"
import { whenClosed } from "../../src/core/http/closed.ts"
import { RawClient } from "../support/raw-client.ts"

for (const end of ["is sent", "is given up"] as const) {
  test(`all who asked are told once, in turn and by one listener, when a response ${end}`, async () => {
    const told: string[] = []
    const closed = Promise.withResolvers<void>()
    let listeners = 0
    const server = createServer((_request, response: ServerResponse) => {
      for (const name of ["first", "second", "third"]) whenClosed(response, () => told.push(name))
      whenClosed(response, closed.resolve)
      listeners = response.listenerCount("close")
      if (end === "is sent") response.end("done")
      else response.destroy()
    })
    server.listen(0, "127.0.0.1")
    await once(server, "listening")
    using client = await RawClient.connect((server.address() as AddressInfo).port)
    client.write("GET / HTTP/1.1", "host: x", "", "")
    await closed.promise
    server.close()
    server.closeAllConnections()
    await once(server, "close")
    assert.deepEqual(told, ["first", "second", "third"])
    assert.equal(listeners, 1)
  })
}
