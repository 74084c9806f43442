/** Answers as their bytes come: whole, byte by byte, one behind the other. */
import assert from "node:assert/strict"
import { test } from "node:test"
import {
  MalformedError,
  parseHeaders,
  ResponseParser,
  rawHeaders,
} from "../../src/core/http/response-parser.ts"

interface Read {
  readonly events: readonly string[]
  readonly keepsAlive: boolean
  readonly ended: boolean
  readonly interim: readonly string[]
  readonly trailers: string
}

/** @param step bytes at a time, all in the same buffer as a socket's. */
function read(text: string, step: number, { isHead = false, mayUpgrade = false } = {}): Read {
  const events: string[] = []
  const interim: string[] = []
  let trailers = ""
  let body = ""
  let ended = false
  const parser = new ResponseParser()
  parser.expect(
    {
      interim: ({ status, lines }) => interim.push(`${status} ${lines}`),
      head: ({ status, statusText, lines, setsCookies }) =>
        events.push(`${status} ${statusText}|${lines.replaceAll("\r\n", "|")}|${setsCookies}`),
      data: (bytes, start, end) => {
        body += bytes.toString("latin1", start, end)
      },
      end: (lines) => {
        ended = true
        trailers = lines
      },
    },
    isHead,
    mayUpgrade,
  )
  const bytes = Buffer.from(text, "latin1")
  // What is left over from before looks like ends of everything, and must not be read.
  const buffer = Buffer.alloc(step + 100)
  for (let at = 0; at < bytes.length; at += step) {
    buffer.fill("\r\n\r\n")
    const count = bytes.copy(buffer, 0, at, at + step)
    parser.feed(buffer, count)
  }
  parser.close()
  return { events: [...events, body], keepsAlive: parser.keepsAlive, ended, interim, trailers }
}

const ok = "HTTP/1.1 200 OK\r\n"

for (const [what, text, body, keepsAlive, options] of [
  ["a length", `${ok}Content-Length: 5\r\n\r\nhello`, "hello", true],
  ["no body", `${ok}content-length: 0\r\n\r\n`, "", true],
  [
    "chunks",
    `${ok}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n`,
    "abc0123456789",
    true,
  ],
  [
    "chunks that are annotated",
    `${ok}transfer-encoding: chunked\r\n\r\n1 ; a ;b="; \\" c"\r\nx\r\n1\t\r\ny\r\n0;z\r\n\r\n`,
    "xy",
    true,
  ],
  ["trailers", `${ok}transfer-encoding: Chunked \r\n\r\n1\r\na\r\n0\r\nx: y\r\n\r\n`, "a", true],
  ["an end where the connection has its own", `${ok}x: y\r\n\r\nall of it`, "all of it", false],
  ["close", `${ok}connection: Foo, Close\r\ncontent-length: 1\r\n\r\na`, "a", false],
  ["HTTP/1.0", "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na", "a", false],
  [
    "HTTP/1.0 that keeps alive",
    "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\na",
    "a",
    true,
  ],
  ["204, whatever it says", "HTTP/1.1 204 No Content\r\ncontent-length: 9\r\n\r\n", "", true],
  ["HEAD", `${ok}content-length: 9\r\n\r\n`, "", true, { isHead: true }],
  [
    "100 and 103 before it",
    `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n${ok}content-length: 1\r\n\r\na`,
    "a",
    true,
  ],
  ["more than the answer", `${ok}content-length: 1\r\n\r\nabc`, "a", false],
  [
    "HTTP/1.0 that keeps alive, in chunks",
    "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
    "a",
    false,
  ],
  ["no words behind the status", "HTTP/1.1 200\r\ncontent-length: 1\r\n\r\na", "a", true],
] as const) {
  test(`an answer with ${what}, however it is cut`, () => {
    for (const step of [1, 2, 3, 7, 64, 4096]) {
      const { events, ...rest } = read(text, step, options)
      assert.equal(events.at(-1), body, `${step} bytes at a time`)
      assert.equal(events.length, 2)
      assert.deepEqual([rest.keepsAlive, rest.ended], [keepsAlive, true])
    }
  })
}

test("what comes in front of an answer and behind it is told, however it is cut", () => {
  const hint = "HTTP/1.1 103 Early Hints\r\nlink: a\r\nx: y\r\n\r\n"
  const chunked = `${ok}transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX-Sum: 42\r\ny: z\r\n\r\n`
  for (const step of [1, 3, 4096]) {
    const { events, interim, trailers } = read(`${hint}${hint}${chunked}`, step)
    assert.deepEqual(interim, ["103 link: a\r\nx: y", "103 link: a\r\nx: y"])
    assert.equal(trailers, "X-Sum: 42\r\ny: z")
    assert.deepEqual(rawHeaders(trailers), ["X-Sum", "42", "y", "z"])
    assert.equal(events.at(-1), "a")
  }
})

test("behind another protocol that was asked for, all is data", () => {
  const text = "HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"
  for (const step of [1, 5, 4096]) {
    const { events, keepsAlive, ended } = read(text, step, { mayUpgrade: true })
    assert.deepEqual(events, [
      "101 Switching Protocols|upgrade: x|false",
      "HTTP/1.1 200 OK\r\n\r\n",
    ])
    assert.deepEqual([keepsAlive, ended], [false, false])
  }
})

test("what is not HTTP is refused with why, however it is cut", () => {
  for (const [text, why] of [
    ["HTTP/2 200 OK\r\n\r\n", /no status line/],
    ["HTTP/1.1 2000 OK\r\n\r\n", /no status line/],
    ["HTTP/1.1 abc OK\r\n\r\n", /no status line/],
    ["<html>", /no status line/],
    [`${ok}no colon\r\n\r\n`, /without a colon/],
    [`${ok} folded: x\r\n\r\n`, /name that is none/],
    [`${ok}a: b\nc: d\r\n\r\n`, /may not be there/],
    ["HTTP/1.1 2e2 OK\r\n\r\n", /no status line/],
    ["HTTP/1.1 200 OK\ncontent-length: 0\n\n", /may not be there/],
    [`${ok}content-length: 1\r\ncontent-length: 1\r\n\r\na`, /two lengths/],
    [`${ok}content-length: 1\xa0\r\n\r\na`, /no number/],
    [`${ok}transfer-encoding: gzip, chunked\r\n\r\n`, /nobody asked/],
    [`${ok}transfer-encoding: chunked\t\r\n\r\n`, /a tab/],
    [`HTTP/1.0 103 Early Hints\r\nlink: x\r\n\r\n${ok}content-length: 1\r\n\r\na`, /interim/],
    [`${ok}transfer-encoding:\r\n\r\n`, /nobody asked/],
    [`${ok}transfer-encoding: chunked\r\n\r\n0\r\na b: c\r\n\r\n`, /name that is none/],
    [`${ok}content-length: -1\r\n\r\n`, /no number/],
    [`${ok}content-length: 1\r\ntransfer-encoding: chunked\r\n\r\n`, /both/],
    [`${ok}transfer-encoding: chunked\r\n\r\nzz\r\n`, /no size/],
    [`${ok}transfer-encoding: chunked\r\n\r\n1;a=/\r\nx`, /no size/],
    [`${ok}transfer-encoding: chunked\r\n\r\n1;a="\0"\r\nx`, /no size/],
    [`${ok}transfer-encoding: chunked\r\n\r\n1;\r\nx`, /no size/],
    [`${ok}transfer-encoding: chunked\r\n\r\n1\r\nabc`, /no end/],
    [`${ok}transfer-encoding: chunked\r\n\r\n1;${"x".repeat(5000)}`, /more than 4096/],
    [`${ok}x: ${"y".repeat(70_000)}`, /more than 65536/],
    [`${ok}transfer-encoding: chunked\r\n\r\n0\r\na: \x01\r\n\r\n`, /may not be there/],
    ["HTTP/1.1 101 Switching Protocols\r\n\r\n", /nobody asked/],
  ] as const) {
    for (const step of [1, 5, 100_000]) {
      assert.throws(
        () => read(text, step),
        (error: unknown) => {
          assert.ok(error instanceof MalformedError, String(error))
          assert.match(error.message, why)
          return true
        },
      )
    }
  }
})

test("headers are found by their names, and cookies are not joined", () => {
  const head = "Set-Cookie: a=1\r\nX: 1\r\nset-cookie: b=2\r\nx:  2 \r\n__proto__: z"
  const headers = parseHeaders(head)
  assert.deepEqual(headers["set-cookie"], ["a=1", "b=2"])
  assert.equal(headers.x, "1, 2")
  assert.deepEqual(rawHeaders("city: Forl\xc3\xa0\t"), ["city", "Forl\xc3\xa0"])
  assert.equal(
    read(`${ok}${head}\r\ncontent-length: 0\r\n\r\n`, 50).events[0]?.endsWith("|true"),
    true,
  )
})
