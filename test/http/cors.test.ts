import assert from "node:assert/strict"
import { test } from "node:test"
import * as z from "zod"
import { operation } from "../../src/service/operation.ts"
import { serveApi } from "../support/api.ts"

const put = operation({
  method: "PUT",
  path: "/it",
  body: z.any(),
  output: z.any(),
  run: ({ body }) => body,
})
const origin = "https://app.example"

function preflight(from: string) {
  return {
    headers: {
      origin: from,
      "access-control-request-method": "PUT",
      "access-control-request-headers": "content-type",
    },
  }
}

test("CORS is off until origins are set", async () => {
  await using api = await serveApi({ put })
  const answer = await api.call("PUT", "/it", { json: 1, headers: { origin } })
  assert.equal(answer.headers["access-control-allow-origin"], undefined)
  const { status } = await api.call("OPTIONS", "/it", preflight(origin))
  assert.equal(status, 405)
})

test("the origins that were set may call, and read what they need, errors too", async () => {
  await using api = await serveApi({ put }, { corsOrigins: [origin, "https://other.example"] })
  const { status, headers } = await api.call("OPTIONS", "/it", preflight(origin))
  assert.equal(status, 204)
  assert.equal(headers["access-control-allow-origin"], origin)
  assert.match(`${headers["access-control-allow-methods"]}`, /PUT/)
  assert.equal(headers["access-control-allow-headers"], "content-type")
  assert.match(`${headers["x-request-id"]}`, /./)
  api.compute.shed = undefined
  for (const [path, json, expected] of [
    ["/it", 1, 200],
    ["/nowhere", 1, 404],
  ] as const) {
    const answer = await api.call("PUT", path, { json, headers: { origin } })
    assert.equal(answer.status, expected)
    assert.equal(answer.headers["access-control-allow-origin"], origin)
    assert.match(`${answer.headers["access-control-expose-headers"]}`, /x-request-id.*retry-after/)
    assert.match(`${answer.headers.vary}`, /origin/i)
  }
  api.compute.shed = { kind: "shed", reason: "queue-full", retryAfterMs: 1 }
  const shed = await api.call("PUT", "/it", { json: 1, headers: { origin } })
  assert.deepEqual([shed.status, shed.headers["access-control-allow-origin"]], [503, origin])
})

test("caches are told of the origin beside all else that an answer depends on", async () => {
  const packed = operation({
    method: "GET",
    path: "/packed",
    output: z.any(),
    compress: true,
    run: () => 1,
  })
  for (const [corsOrigins, wanted] of [
    [
      [origin, "https://other.example"],
      ["accept-encoding", "origin"],
    ],
    [["*"], ["accept-encoding"]],
  ] as const) {
    await using api = await serveApi({ packed }, { corsOrigins })
    const { headers } = await api.call("GET", "/packed", { headers: { origin } })
    assert.deepEqual(`${headers.vary}`.toLowerCase().split(", "), wanted)
  }
})

test("other origins are not let in", async () => {
  await using api = await serveApi({ put }, { corsOrigins: [origin] })
  const from = "https://evil.example"
  const answer = await api.call("PUT", "/it", { json: 1, headers: { origin: from } })
  assert.equal(answer.headers["access-control-allow-origin"], undefined)
  const { headers } = await api.call("OPTIONS", "/it", preflight(from))
  assert.equal(headers["access-control-allow-origin"], undefined)
})

test("a star lets everybody in", async () => {
  await using api = await serveApi({ put }, { corsOrigins: ["*"] })
  const { headers } = await api.call("PUT", "/it", { json: 1, headers: { origin } })
  assert.equal(headers["access-control-allow-origin"], "*")
})

test("every response has the security headers", async () => {
  await using api = await serveApi({ put }, { docs: "on" })
  for (const [method, path] of [
    ["PUT", "/it"],
    ["GET", "/it"],
    ["GET", "/openapi.json"],
    ["GET", "/docs"],
    ["GET", "/docs/nothing"],
  ] as const) {
    const { headers } = await api.call(method, path, method === "PUT" ? { json: 1 } : {})
    assert.equal(headers["x-content-type-options"], "nosniff")
    assert.equal(headers["x-frame-options"], "DENY")
    assert.equal(headers["referrer-policy"], "no-referrer")
    assert.match(
      `${headers["content-security-policy"]}`,
      /^default-src 'none'.*frame-ancestors 'none'/,
    )
    assert.equal(headers["x-powered-by"], undefined)
    assert.equal(headers.server, undefined)
  }
})
