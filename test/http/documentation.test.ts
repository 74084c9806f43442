import assert from "node:assert/strict"
import { once } from "node:events"
import { createServer, request } from "node:http"
import type { AddressInfo } from "node:net"
import { after, before, describe, test } from "node:test"
import type { Browser, Page } from "playwright-core"
import * as z from "zod"
import { bytes, file, multipart, optionalFile } from "../../src/service/body.ts"
import { operation } from "../../src/service/operation.ts"
import { serveApi } from "../support/api.ts"
import { openBrowser, openPage } from "../support/browser.ts"
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

describe("in a browser", { concurrency: true, skip: without("chromium") }, () => {
  let browser: Browser
  before(async () => {
    browser = await openBrowser()
  })
  after(() => browser.close())

  test("what is left out of a form in Swagger UI is not given", async () => {
    await using api = await serveApi({ stamp, find }, { docs: "on" })
    await using page = await openPage(browser, `${api.url}/docs`)
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

  test("Swagger UI works behind a proxy that takes away the beginning of the path", async () => {
    await using api = await serveApi({ hello, picture }, { docs: "on" })
    const proxy = createServer(({ method, url = "", headers }, answer) => {
      if (!url.startsWith("/svc/v1/")) {
        answer.writeHead(404).end()
        return
      }
      const path = url.slice("/svc/v1".length)
      const forward = request({ port: api.port, path, method, headers }, (response) => {
        answer.writeHead(response.statusCode ?? 502, response.headers)
        response.pipe(answer)
      })
      answer.req.pipe(forward)
    })
    await once(proxy.listen(0, "127.0.0.1"), "listening")
    try {
      for (const docs of ["docs", "docs/"]) {
        const { port } = proxy.address() as AddressInfo
        await using page = await openPage(browser, `http://127.0.0.1:${port}/svc/v1/${docs}`)
        await page.getByText("Says hello.").waitFor()
        assert.match(await execute(page, "hello"), /Hello, Ada!/)
      }
    } finally {
      proxy.close()
      proxy.closeAllConnections()
    }
  })

  test("Swagger UI works without a network", async () => {
    await using api = await serveApi({ hello, picture, form, upload }, { docs: "on" })
    await using page = await openPage(browser, `${api.url}/docs`, {
      loads: new RegExp(`^(${api.url}|data:|blob:)`),
    })
    assert.equal(await page.title(), "Trial")
    await page.getByText("Says hello.").waitFor()

    assert.match(await execute(page, "hello"), /Hello, Ada!/)
    await execute(page, "picture")
    const image = page.locator("#operations-default-picture .live-responses-table img")
    await image.waitFor()
    assert.equal(
      await image.evaluate(
        (element) => (element as unknown as { naturalWidth: number }).naturalWidth,
      ),
      1,
    )

    const pngFile = { name: "a.png", mimeType: "image/png", buffer: pixel }
    const formSection = await open(page, "form")
    await formSection.locator('input[type="text"]').last().fill("5")
    await formSection.locator('input[type="file"]').setInputFiles(pngFile)
    assert.match(await execute(page, "form"), new RegExp(`5 and ${pixel.length} bytes`))

    const uploadSection = await open(page, "upload")
    await uploadSection.locator('input[type="file"]').setInputFiles(pngFile)
    assert.match(await execute(page, "upload"), new RegExp(`${pixel.length} bytes of image/png`))
  })
})

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
