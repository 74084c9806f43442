/**
 * What pages of other origins can read of the balancer's own answers: what they can of the
 * service's.
 */
import assert from "node:assert/strict"
import { test } from "node:test"
import { operation } from "../../src/service/operation.ts"
import { serveApi } from "../support/api.ts"
import { balance, replica } from "../support/balancer.ts"
import { RawClient } from "../support/raw-client.ts"

const origin = "https://app.example"
const evil = "https://evil.example"
const preflight = {
  origin,
  "access-control-request-method": "PUT",
  "access-control-request-headers": "content-type",
}

type Headers = Readonly<Record<string, string | string[] | undefined>>

function corsOf(headers: Headers): Headers {
  const entries = Object.entries(headers)
  return Object.fromEntries(
    entries
      .filter(([name]) => name.startsWith("access-control-") || name === "vary")
      .map(([name, value]) => [name, `${value}`.toLowerCase()]),
  )
}

const put = operation({ method: "PUT", path: "/", run() {} })

test("a refusal has the headers that the service's own has, and so has what is asked before", async () => {
  for (const corsOrigins of [[origin, "https://other.example"], ["*"], []]) {
    await using api = await serveApi({ put }, { corsOrigins })
    api.compute.shed = { kind: "shed", reason: "queue-full", retryAfterMs: 1 }
    await using trial = await balance([], { corsOrigins, waitMs: 1 })
    for (const headers of [{ origin }, { origin: evil }, {}] as Record<string, string>[]) {
      const own = await api.call("PUT", "/", { headers })
      const balanced = await trial.call({ method: "PUT", headers })
      assert.deepEqual([own.status, balanced.status], [503, 503])
      assert.deepEqual(corsOf(balanced.headers), corsOf(own.headers))
    }
    const own = await api.call("OPTIONS", "/", { headers: preflight })
    const balanced = await trial.call({ method: "OPTIONS", headers: preflight })
    if (corsOrigins.length === 0) assert.equal(balanced.status, 503)
    else {
      assert.deepEqual([own.status, balanced.status], [204, 204])
      const wanted = corsOf(own.headers)
      const got = corsOf(balanced.headers)
      // The service's also says that it depends on the headers that were asked for.
      assert.deepEqual({ ...got, vary: undefined }, { ...wanted, vary: undefined })
    }
  }
})

test("so has the answer for a replica that broke off", async () => {
  await using breaks = await replica("breaks", (request) => request.socket.destroy())
  await using trial = await balance([breaks], { corsOrigins: [origin] })
  const { status, headers } = await trial.call({ method: "PUT", headers: { origin } })
  assert.equal(status, 502)
  assert.equal(headers["access-control-allow-origin"], origin)
  assert.match(`${headers["access-control-expose-headers"]}`, /x-request-id.*retry-after/)
})

test("what could not be read is answered so too, by the service as by the balancer", async () => {
  await using api = await serveApi({ put }, { corsOrigins: ["*"] })
  await using trial = await balance([], { corsOrigins: ["*"] })
  for (const port of [api.port, trial.port]) {
    using client = await RawClient.connect(port)
    client.write("PUT / HTTP/1.1", `origin: ${origin}`, "no header at all", "", "")
    assert.match(await client.read(), /^HTTP\/1\.1 400 [\s\S]*access-control-allow-origin: \*\r\n/)
  }
})
