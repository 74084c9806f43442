import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer, request, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { after, before, describe, test } from "node:test"
import type { Browser, Page } from "playwright-core"
import * as z from "zod"
import { bytes, file, multipart, optionalFile } from "../../src/service/body.ts"
import { operation } from "../../src/service/operation.ts"
import { serveApi } from "../support/api.ts"
import { loaded, openPage, sharedBrowser } from "../support/browser.ts"
import { without } from "../support/programs.ts"

/** The smallest PNG: one transparent pixel. */
const pixel = Buffer.from(
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
  "base64",
)

const hello = operation({
  path: "/hello",
  summary: "Says hello.",
  tags: ["greetings"],
  body: z.object({ name: z.string() }),
  output: z.object({ message: z.string() }),
  examples: { ada: { summary: "For Ada", body: { name: "Ada" } } },
  run: ({ body }) => ({ message: `Hello, ${body.name}!` }),
})
const picture = operation({
  method: "GET",
  path: "/picture",
  output: bytes("image/png"),
  run: () => new Uint8Array(pixel),
})
const form = operation({
  path: "/form",
  body: multipart({ fields: z.object({ n: z.int() }), files: { image: file("image/png") } }),
  output: z.string(),
  run: ({ body: { fields, files } }) => `${fields.n} and ${files.image.bytes.byteLength} bytes`,
})
const upload = operation({
  path: "/upload",
  body: bytes("image/png"),
  output: z.string(),
  run: ({ body }) => `${body.bytes.byteLength} bytes of ${body.mediaType}`,
})

const stamp = operation({
  path: "/stamp",
  body: multipart({
    fields: z.object({
      opacity: z.number().default(0.5),
      note: z.string().optional(),
      meta: z.object({ a: z.number() }).optional(),
    }),
    files: { document: file(), mark: optionalFile() },
  }),
  output: z.any(),
  run: ({ body: { fields, files } }) => ({ fields, marked: files.mark !== undefined }),
})
const find = operation({
  path: "/find",
  body: multipart({
    fields: z.discriminatedUnion("by", [
      z.object({ by: z.literal("id"), id: z.int() }),
      z.object({ by: z.literal("name"), name: z.string() }),
    ]),
  }),
  output: z.any(),
  run: ({ body }) => body.fields,
})
const look = operation({
  method: "GET",
  path: "/items/{id}",
  params: z.object({ id: z.int() }),
  query: z.object({ tags: z.array(z.string()).optional(), loud: z.boolean().optional() }),
  headers: z.object({ "x-key": z.string() }),
  output: z.any(),
  examples: {
    usual: {
      summary: "The usual",
      params: { id: 7 },
      query: { tags: ["a", "b"], loud: true },
      headers: { "x-key": "k" },
    },
    other: { summary: "Another one", params: { id: 8 } },
  },
  run: (input) => input,
})
const filled = operation({
  path: "/filled",
  body: multipart({
    fields: z.object({ n: z.int(), list: z.array(z.int()), note: z.string().optional() }),
    files: { mark: optionalFile() },
  }),
  output: z.any(),
  examples: { it: { body: { fields: { n: 5, list: [1, 2] } } } },
  run: ({ body }) => body.fields,
})

/** Takes away the beginning of the path, for whoever is asked at a port. */
function stripping(prefix: string, port: number): Server {
  return createServer(({ method, url = "", headers }, answer) => {
    if (!url.startsWith(`${prefix}/`)) {
      answer.writeHead(404).end()
      return
    }
    const path = url.slice(prefix.length)
    const forward = request({ port, path, method, headers }, (response) => {
      answer.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(answer)
    })
    answer.req.pipe(forward)
  })
}

describe("Swagger UI, in a browser", { skip: without("chromium") }, () => {
  // To start a browser, and a page of Swagger UI in it, is most of what they cost.
  let browser: Browser
  let api: Awaited<ReturnType<typeof serveApi>>
  let proxy: Server
  let behindProxy: string
  let page: Awaited<ReturnType<typeof openPage>>
  before(async () => {
    api = await serveApi(
      { hello, picture, form, upload, stamp, find, look, filled },
      { docs: "on" },
    )
    proxy = stripping("/svc/v1", api.port)
    await once(proxy.listen(0, "127.0.0.1"), "listening")
    const { port } = proxy.address() as AddressInfo
    behindProxy = `http://127.0.0.1:${port}/svc/v1`
    browser = await sharedBrowser()
    // Nothing from a network.
    const loads = new RegExp(`^(${api.url}/|${behindProxy}/|data:|blob:)`)
    page = await openPage(browser, `${api.url}/docs`, { loads })
  })
  after(async () => {
    try {
      await page?.[Symbol.asyncDispose]()
    } finally {
      proxy?.close()
      proxy?.closeAllConnections()
      await api?.[Symbol.asyncDispose]()
    }
  })

  test("works without a network", async () => {
    assert.equal(await page.title(), "Trial")
    await page.getByText("Says hello.").waitFor()

    assert.match(await execute(page, "hello"), /Hello, Ada!/)
    await execute(page, "picture")
    const image = page.locator("#operations-default-picture .live-responses-table img")
    await image.waitFor()
    assert.equal(await image.evaluate(widthOnceDecoded), 1)

    const pngFile = { name: "a.png", mimeType: "image/png", buffer: pixel }
    const formSection = await open(page, "form")
    await formSection.locator('input[type="text"]').last().fill("5")
    await formSection.locator('input[type="file"]').setInputFiles(pngFile)
    assert.match(await execute(page, "form"), new RegExp(`5 and ${pixel.length} bytes`))

    const uploadSection = await open(page, "upload")
    await uploadSection.locator('input[type="file"]').setInputFiles(pngFile)
    assert.match(await execute(page, "upload"), new RegExp(`${pixel.length} bytes of image/png`))
  })

  test("does not give what is left out of a form", async () => {
    const section = await open(page, "stamp")
    const document = { name: "a.txt", mimeType: "text/plain", buffer: Buffer.from("hi") }
    await section.locator('input[type="file"]').first().setInputFiles(document)
    // It begins with a value that is made up.
    await section.locator('tr[data-property-name="note"] input[type="text"]').fill("")
    const answer = await execute(page, "stamp")
    assert.match(answer, /"marked":\s*false/)
    assert.match(answer, /"meta":\s*\{\s*"a":\s*0\s*\}/)
    assert.doesNotMatch(answer, /"note"/)

    // A union has the fields of all its branches, to be filled in or not.
    const union = await open(page, "find")
    await union.locator('tr[data-property-name="by"] select').selectOption("name")
    await union.locator('tr[data-property-name="id"] input[type="text"]').fill("")
    await union.locator('tr[data-property-name="name"] input[type="text"]').fill("5")
    assert.match(await execute(page, "find"), /"by":\s*"name",\s*"name":\s*"5"/)
  })

  test("fills in what the examples have, and another one when it is chosen", async () => {
    const text = (answer: string) => answer.replaceAll(/\s+/g, "")
    const usual = text(await execute(page, "look"))
    assert.match(usual, /"path":\{"id":7\},"query":\{"tags":\["a","b"\],"loud":true\}/)
    assert.match(usual, /"headers":\{"x-key":"k"\}/)
    const section = await open(page, "look")
    const id = section.locator('tr[data-param-name="id"]')
    await id.locator(".examples-select select").selectOption({ label: "Another one" })
    assert.equal(await id.locator('input[type="text"]').inputValue(), "8")
    const filled = text(await execute(page, "filled"))
    assert.match(filled, /"n":5,"list":\[1,2\]/)
  })

  for (const docs of ["docs", "docs/"]) {
    test(`works behind a proxy that takes away the beginning of the path, at ${docs}`, async () => {
      await loaded(page, () => page.goto(`${behindProxy}/${docs}`))
      await page.getByText("Says hello.").waitFor()
      assert.match(await execute(page, "hello"), /Hello, Ada!/)
    })
  }
})

/** Runs in the page. An element that is there may not have its picture yet. */
async function widthOnceDecoded(element: unknown): Promise<number> {
  const image = element as { readonly naturalWidth: number; decode(): Promise<void> }
  await image.decode()
  return image.naturalWidth
}

async function open(page: Page, operationId: string) {
  const section = page.locator(`.opblock[id$="-${operationId}"]`)
  if (!(await section.getAttribute("class"))?.includes("is-open")) {
    await section.locator(".opblock-summary-control").click()
  }
  return section
}

/** Clicks on "Execute", and reads what was answered. */
async function execute(page: Page, operationId: string): Promise<string> {
  const section = await open(page, operationId)
  await section.getByRole("button", { name: "Execute" }).click()
  const response = section.locator(".live-responses-table .response")
  await response.waitFor()
  const text = (await response.textContent()) ?? ""
  assert.match(text, /^200/, text)
  return text
}

test("what the page loads is beside it, wherever it is", async () => {
  await using api = await serveApi({ hello }, { docs: "on" })
  for (const path of ["/docs", "/docs/"]) {
    const { text } = await api.call("GET", path)
    const links = Array.from(text.matchAll(/(?:href|src)="([^"]*)"/g), ([, link = ""]) => link)
    assert.ok(links.length > 3)
    for (const link of links) {
      const { pathname } = new URL(link, `http://proxy/svc${path}`)
      assert.match(pathname, /^\/svc\//)
      assert.equal((await api.call("GET", pathname.slice("/svc".length))).status, 200, link)
    }
  }
})
