/** The thumbnail API as a client meets it: bytes in, bytes out, and what it refuses. */
import assert from "node:assert/strict"
import { after, test } from "node:test"
import sharp from "sharp"
import { serve } from "../../src/index.ts"
import { openApiDocument } from "../../src/service/http/openapi.ts"
import { loadService } from "../../src/service/module.ts"
import { resolveSettings } from "../../src/service/settings.ts"
import { blackPng } from "../support/png.ts"
import { read } from "../support/repository.ts"

const module = new URL("../../examples/thumbnail/service.ts", import.meta.url)
const server = await serve(new URL("../fixtures/examples/thumbnail.ts", import.meta.url), {
  // Workers that are nice get nothing while others on this machine want all of it.
  settings: { port: 0, managementPort: 0, logLevel: "silent", workers: 2, workerNice: 0 },
  env: {},
})
after(() => server[Symbol.asyncDispose]())

const photo = new Uint8Array(
  await sharp({
    create: {
      width: 1200,
      height: 800,
      channels: 3,
      background: "teal",
      noise: { type: "gaussian", mean: 128, sigma: 30 },
    },
  })
    .jpeg()
    .toBuffer(),
)

function post(
  query: string,
  body: Uint8Array<ArrayBuffer>,
  headers: Record<string, string> = { "content-type": "image/jpeg" },
): Promise<Response> {
  return fetch(`${server.url}/api/v1/thumbnail${query}`, { method: "POST", headers, body })
}

async function check(
  query: string,
  mediaType: string,
  size: readonly [number, number],
): Promise<void> {
  const response = await post(query, photo)
  assert.equal(response.status, 200, query)
  assert.equal(response.headers.get("content-type"), mediaType)
  const made = await sharp(await response.bytes()).metadata()
  assert.deepEqual([made.mediaType, made.width, made.height], [mediaType, ...size], query)
}

async function refuses(response: Response, status: number, detail: RegExp): Promise<void> {
  assert.equal(response.status, status)
  assert.equal(response.headers.get("content-type"), "application/problem+json")
  const problem = (await response.json()) as { readonly status: number; readonly detail: string }
  assert.equal(problem.status, status)
  assert.match(problem.detail, detail)
}

test("makes a thumbnail of the size, shape and format that are asked for", async () => {
  await check("", "image/webp", [256, 171])
  await check("?width=300", "image/webp", [300, 200])
  await check("?height=100&format=png", "image/png", [150, 100])
  await check("?width=100&height=100&fit=cover&format=avif", "image/avif", [100, 100])
  await check("?width=100&height=100&format=jpeg", "image/jpeg", [100, 67])
})

test("makes many at once, each from its own picture", async () => {
  const sizes = Array.from({ length: 24 }, (_, index) => 20 + index)
  await Promise.all(
    sizes.map((size) =>
      check(`?width=${size}&height=${size}&fit=fill`, "image/webp", [size, size]),
    ),
  )
})

test("refuses a query that makes no sense, saying where", async () => {
  const response = await post("?width=0&fit=tight", photo)
  assert.equal(response.status, 422)
  const { errors } = (await response.json()) as { readonly errors: { readonly path: unknown[] }[] }
  assert.deepEqual(
    errors.map(({ path }) => path),
    [
      ["query", "width"],
      ["query", "fit"],
    ],
  )
})

test("refuses what is no picture, by type and by content", async () => {
  await refuses(await post("", photo, { "content-type": "application/pdf" }), 415, /./)
  await refuses(await post("", photo.slice(0, 2000)), 422, /can't be decoded/)
  await refuses(await post("", new TextEncoder().encode("no picture")), 422, /can't be decoded/)
})

test("refuses a body over its limit, and a bomb far below it", async () => {
  await refuses(await post("", new Uint8Array(20 * 1024 * 1024 + 1)), 413, /./)
  const bomb = blackPng(30_000, 30_000)
  await refuses(await post("", bomb, { "content-type": "image/png" }), 413, /30000 × 30000 pixels/)
  await check("?width=300", "image/webp", [300, 200])
})

test("its OpenAPI document is the one that is checked in", async () => {
  const document = openApiDocument(await loadService(module), resolveSettings())
  assert.deepEqual(
    JSON.parse(JSON.stringify(document)),
    JSON.parse(read("examples/thumbnail/openapi.json")),
    "Look at the difference; when it is meant, `npm run docs` writes it.",
  )
})
