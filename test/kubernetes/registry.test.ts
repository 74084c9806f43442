import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { test } from "node:test"
import { findImage, parseImage } from "../../src/kubernetes/cluster/registry.ts"

interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

/** Asks a registry that answers as it is told, for the image `a:1`. */
async function found(answer: (request: IncomingMessage, host: string) => Answer, name = "a:1") {
  const server = createServer((request, response) => {
    const { status = 200, headers = {}, body = {} } = answer(request, request.headers.host ?? "")
    response.writeHead(status, headers).end(JSON.stringify(body))
  })
  await once(server.listen(0, "127.0.0.1"), "listening")
  try {
    const { port } = server.address() as AddressInfo
    return await findImage(`127.0.0.1:${port}/${name}`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}

test("an image's name is taken apart as registries take it", () => {
  const digest = `sha256:${"0".repeat(64)}`
  const parts = (image: string) => Object.values(parseImage(image))
  assert.deepEqual(parts("node"), ["docker.io", "library/node", "latest"])
  assert.deepEqual(parts("me/a:1"), ["docker.io", "me/a", "1"])
  assert.deepEqual(parts(`r.example:5000/x/y:2@${digest}`), ["r.example:5000", "x/y", digest])
  assert.deepEqual(parts("localhost:5000/a"), ["localhost:5000", "a", "latest"])
})

test("an index says what an image runs on, attestations apart", async () => {
  const platform = (os: string, architecture: string) => ({ platform: { os, architecture } })
  const manifests = [
    platform("linux", "amd64"),
    platform("linux", "arm64"),
    platform("unknown", "unknown"),
  ]
  const there = await found(() => ({ body: { manifests } }))
  assert.deepEqual(there, { kind: "there", platforms: ["linux/amd64", "linux/arm64"] })
})

test("a single image says it in its configuration", async () => {
  const there = await found(({ url = "" }) =>
    url.endsWith("/v2/a/blobs/sha256:c")
      ? { body: { os: "linux", architecture: "arm64" } }
      : { body: { config: { digest: "sha256:c" } } },
  )
  assert.deepEqual(there, { kind: "there", platforms: ["linux/arm64"] })
})

test("what the registry has not is missing", async () => {
  assert.deepEqual(await found(() => ({ status: 404 })), { kind: "missing" })
})

test("a public image is asked for with the token that anybody gets", async () => {
  const there = await found(({ url = "", headers }, host) => {
    if (url.startsWith("/token")) {
      assert.equal(new URL(url, "http://x").searchParams.get("scope"), "repository:a:pull")
      return { body: { token: "open" } }
    }
    if (headers.authorization === "Bearer open") return { body: { manifests: [] } }
    const challenge = `Bearer realm="http://${host}/token",service="s",scope="repository:a:pull"`
    return { status: 401, headers: { "www-authenticate": challenge } }
  })
  assert.deepEqual(there, { kind: "there", platforms: [] })
})

test("what is only for those who log in, or does not answer, is not known", async () => {
  const closed = await found(() => ({ status: 401 }))
  assert.match(closed.kind === "unknown" ? closed.why : closed.kind, /only to those who log in/)
  const broken = await found(() => ({ status: 500 }))
  assert.match(broken.kind === "unknown" ? broken.why : broken.kind, /answered 500/)
  const away = await findImage("127.0.0.1:9/a:1")
  assert.match(away.kind === "unknown" ? away.why : away.kind, /can't be asked from here: /)
})
