import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import type { AddressInfo } from "node:net"
import { test } from "node:test"
import { findImage, type ImageFound, parseImage } from "../../src/kubernetes/cluster/registry.ts"

interface Answer {
  readonly status?: number
  readonly headers?: Record<string, string>
  readonly body?: unknown
}

const why = (found: ImageFound): string => (found.kind === "unknown" ? found.why : found.kind)

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
  assert.match(why(closed), /only to those who log in/)
  const broken = await found(() => ({ status: 500 }))
  assert.match(why(broken), /answered 500/)
  const away = await findImage("127.0.0.1:9/a:1")
  assert.match(why(away), /can't be asked from here: /)
})

test("a realm or a redirect that is not https is not followed, and the forecast says so", async () => {
  for (const [elsewhere, says] of [
    ["http://registry.example/token", /http:\/\/registry\.example, and only https may be followed/],
    ["http://169.254.169.254/latest", /http:\/\/169\.254\.169\.254, and only https/],
    ["http://127.0.0.1.example/", /http:\/\/127\.0\.0\.1\.example, and only https/],
    ["file:///etc/passwd", /file:\/\/, and only https/],
    ["data:application/json,{}", /data:\/\/, and only https/],
    ["https://me:secret@registry.example/", /a URL with a login in it/],
  ] as const) {
    const challenge = { "www-authenticate": `Bearer realm="${elsewhere}"` }
    assert.match(why(await found(() => ({ status: 401, headers: challenge }))), says)
    const sent = await found(() => ({ status: 307, headers: { location: elsewhere } }))
    assert.match(why(sent), says)
    assert.doesNotMatch(why(sent), /secret/)
  }
  const bare = { "www-authenticate": 'Bearer realm="token"' }
  assert.match(why(await found(() => ({ status: 401, headers: bare }))), /its realm is what is no/)
  const round = await found(({ url = "" }) => ({ status: 302, headers: { location: url } }))
  assert.match(why(round), /sends on and on/)
})

test("the token goes to the registry alone, and not where its answers send to", async () => {
  const seen: unknown[] = []
  const storage = createServer((request, response) => {
    seen.push(request.headers.authorization)
    response.end(JSON.stringify({ os: "linux", architecture: "arm64" }))
  })
  await once(storage.listen(0, "127.0.0.1"), "listening")
  const { port } = storage.address() as AddressInfo
  try {
    const there = await found(({ url = "", headers }, host) => {
      if (url.startsWith("/token")) return { body: { access_token: "open" } }
      if (headers.authorization !== "Bearer open") {
        const challenge = `Bearer realm="http://${host}/token"`
        return { status: 401, headers: { "www-authenticate": challenge } }
      }
      if (!url.includes("/blobs/")) return { body: { config: { digest: "sha256:c" } } }
      return { status: 307, headers: { location: `http://127.0.0.1:${port}/c` } }
    })
    assert.deepEqual(there, { kind: "there", platforms: ["linux/arm64"] })
    assert.deepEqual(seen, [undefined])
  } finally {
    storage.closeAllConnections()
    storage.close()
  }
})

test("answers that are too long, or not what they should be, are not known", async () => {
  const long = await found(() => ({ body: { manifests: ["x".repeat(5 * 2 ** 20)] } }))
  assert.match(why(long), /more than 4194304 bytes/)
  for (const body of [null, 5, "text", []]) {
    assert.match(why(await found(() => ({ body }))), /no object in JSON|^there$/)
  }
  const odd = { manifests: [null, 5, { platform: { os: "\x1b[2J", architecture: "a" } }] }
  assert.deepEqual(await found(() => ({ body: odd })), { kind: "there", platforms: [] })
  const sly = await found(({ url = "" }) => {
    assert.ok(url.includes("/manifests/"), url)
    return { body: { config: { digest: "sha256:../../../secret" } } }
  })
  assert.deepEqual(sly, { kind: "there", platforms: [] })
})
