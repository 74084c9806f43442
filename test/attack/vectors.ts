/**
 * Requests that two readers may end at different bytes, each with another one behind it or in it. The
 * kinds are those that are known under the names that two readers in a row give them: CL.TE, TE.CL,
 * TE.TE, CL.0, and what servers were found to read more leniently than RFC 9112 has it.
 */

export interface Vector {
  readonly name: string
  /** As latin1. */
  readonly bytes: string
  /** What may be read out of it, in order; less may, and then nothing behind it. */
  readonly means: readonly string[]
  /** Nothing is wrong with it: all of it has to be answered. */
  readonly isSound: boolean
}

const outer = "POST /outer"
const inner = "GET /inner"
const innerBytes = "GET /inner HTTP/1.1\r\nHost: x\r\n\r\n"

/** A request with these lines behind its first, and what follows it. */
function post(lines: readonly string[], rest: string): string {
  const always = ["POST /outer HTTP/1.1", "Host: x", "Content-Type: application/octet-stream"]
  return `${[...always, ...lines, "", ""].join("\r\n")}${rest}`
}

const sound = (name: string, bytes: string, means: readonly string[]): Vector => {
  return { name, bytes, means, isSound: true }
}
/** It may be read so, and may be refused. */
const odd = (name: string, bytes: string, means: readonly string[]): Vector => {
  return { name, bytes, means, isSound: false }
}
const wrong = (name: string, bytes: string): Vector => odd(name, bytes, [])

const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`
const te = "Transfer-Encoding: chunked"
const length = (count: number): string => `Content-Length: ${count}`

/** What makes a reader see chunks, or not. */
const codings: readonly (readonly [line: string, isChunked: boolean])[] = [
  ["Transfer-Encoding: xchunked", false],
  ["Transfer-Encoding: chunkedx", false],
  ["Transfer-Encoding: chunked\x00", false],
  ["Transfer-Encoding: \x00chunked", false],
  ["Transfer-Encoding: \x0bchunked", false],
  ["Transfer-Encoding: \x0cchunked", false],
  ["Transfer-Encoding: chunked\x0b", false],
  ["Transfer-Encoding: \xa0chunked", false],
  ["Transfer-Encoding: chunked\xa0", false],
  ["Transfer-Encoding: \x85chunked", false],
  ["Transfer-Encoding: \xffchunked", false],
  ['Transfer-Encoding: "chunked"', false],
  ["Transfer-Encoding: 'chunked'", false],
  ["Transfer-Encoding: chunk ed", false],
  ["Transfer-Encoding: chun\tked", false],
  ["Transfer-Encoding: chunked;q=1", false],
  ["Transfer-Encoding: chunked,", false],
  ["Transfer-Encoding: chunked, identity", false],
  ["Transfer-Encoding: chunked, gzip", false],
  ["Transfer-Encoding: chunked, chunked", false],
  ["Transfer-Encoding: identity", false],
  ["Transfer-Encoding: gzip", false],
  ["Transfer-Encoding: cow", false],
  ["Transfer-Encoding:", false],
  ["Transfer-Encoding: chunked\r\nTransfer-Encoding: identity", false],
  ["Transfer-Encoding: chunked\r\nTransfer-Encoding: cow", false],
  ["Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", false],
  ["Transfer-Encoding: chunked\r\nTransfer-Encoding:", false],
  ["Transfer-Encoding : chunked", false],
  ["Transfer-Encoding\t: chunked", false],
  ["Transfer-Encoding\x00: chunked", false],
  ["Transfer-Encoding\x0b: chunked", false],
  ["\x00Transfer-Encoding: chunked", false],
  [" Transfer-Encoding: chunked", false],
  ["\tTransfer-Encoding: chunked", false],
  ["X: y\r\n Transfer-Encoding: chunked", false],
  ["Transfer-Encoding:\r\n chunked", false],
  ["Transfer-Encoding: \r\n\tchunked", false],
  ["X: y\nTransfer-Encoding: chunked", false],
  ["X: y\rTransfer-Encoding: chunked", false],
  ["Transfer-Encoding: chunked\r", false],
  ["Transfer-Encoding chunked", false],
  ["Transfer-Encoding: chunked\nX: y", false],
  ["Transfer Encoding: chunked", false],
  ["Transfer-Encoding: identity, chunked", true],
  ["Transfer-Encoding: gzip, chunked", true],
  ["Transfer-Encoding: cow\r\nTransfer-Encoding: chunked", true],
  ["Transfer-Encoding: ,chunked", true],
  ["Transfer-Encoding: chunked\t", true],
]

const soundCodings = [
  te,
  "transfer-encoding: chunked",
  "TRANSFER-ENCODING: CHUNKED",
  "Transfer-Encoding:chunked",
  "Transfer-Encoding: \t chunked ",
]

const codingVectors: readonly Vector[] = [
  ...soundCodings.map((line) =>
    sound(`chunks by ${line}`, post([line], chunked("hello") + innerBytes), [outer, inner]),
  ),
  ...codings.map(([line, isChunked]) =>
    odd(
      `chunks by ${line}`,
      post([line], `0\r\n\r\n${innerBytes}`),
      isChunked ? [outer, inner] : [],
    ),
  ),
  // Whoever sees chunks sees two requests, and who sees the length one: and the other way round.
  ...[te, ...codings.map(([line]) => line)].flatMap((line) => [
    wrong(
      `CL.TE by ${line}`,
      post([length(5 + innerBytes.length), line], `0\r\n\r\n${innerBytes}`),
    ),
    wrong(
      `TE.CL by ${line}`,
      post([line, length(4)], `${innerBytes.length.toString(16)}\r\n${innerBytes}\r\n0\r\n\r\n`),
    ),
  ]),
]

const lengths: readonly (readonly [value: string, means: readonly string[]])[] = [
  ["+5", []],
  ["-5", []],
  ["-0", []],
  ["0x5", []],
  ["5h", []],
  ["5.0", []],
  ["5e0", []],
  ["5;", []],
  ["5 6", []],
  ["5, 6", []],
  ["6, 5", []],
  ["5,", []],
  [",5", []],
  ["five", []],
  ["", []],
  ["5\x00", []],
  ["\x005", []],
  ["\x0b5", []],
  ["5\x0b", []],
  ["\xa05", []],
  ["5\xa0", []],
  ["\xb2", []],
  ['"5"', []],
  ["5\r\n 5", []],
  ["\r\n 5", []],
  ["5\nX: y", []],
  ["5\rX: y", []],
  ["18446744073709551621", []],
  ["99999999999999999999999999", []],
  // So large that nobody waits for it, or reads it as what is left when it has run over.
  ["4294967301", []],
  ["9007199254740993", []],
  ["5, 5", [outer, inner]],
]

const lengthVectors: readonly Vector[] = [
  ...["5", " 5 ", "\t5", "05", "0000000000005"].map((value) =>
    sound(`a length of ${value}`, post([`Content-Length:${value}`], `hello${innerBytes}`), [
      outer,
      inner,
    ]),
  ),
  ...lengths.map(([value, means]) =>
    odd(`a length of ${value}`, post([`Content-Length: ${value}`], `hello${innerBytes}`), means),
  ),
  ...[
    [length(5), length(6)],
    [length(6), length(5)],
    [length(0), length(5)],
    [length(5), "content-length: 0"],
    ["Content-Length : 5"],
    ["Content-Length\t: 5"],
    ["Content-Length\x00: 5"],
    [" Content-Length: 5"],
    ["X: y\n Content-Length: 5"],
    ["Content Length: 5"],
    ["Content-Length 5"],
  ].map((lines) => wrong(`lengths by ${lines.join(" / ")}`, post(lines, `hello${innerBytes}`))),
  odd("the same length twice", post([length(5), length(5)], `hello${innerBytes}`), [outer, inner]),
  // Some take the one for the other.
  odd("Content_Length", post(["Content_Length: 5"], innerBytes), [outer, inner]),
  odd("Transfer_Encoding", post(["Transfer_Encoding: chunked"], innerBytes), [outer, inner]),
]

const chunkVectors: readonly Vector[] = [
  ...[
    "5;a=b\r\nhello\r\n0\r\n\r\n",
    '5;a="b c"\r\nhello\r\n0\r\n\r\n',
    "5\r\nhello\r\n0;a=b\r\n\r\n",
    "00005\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello\r\n000\r\n\r\n",
    "5\r\nhello\r\n0\r\nX: y\r\n\r\n",
    "1\r\nh\r\n4\r\nello\r\n0\r\n\r\n",
  ].map((body) =>
    sound(`chunks ${JSON.stringify(body)}`, post([te], body + innerBytes), [outer, inner]),
  ),
  // Trailers are not to be taken for headers, whatever they say.
  ...[
    "Content-Length: 40",
    "Transfer-Encoding: chunked",
    "Host: other",
    "Connection: close",
    "Content-Length: 5\r\nContent-Length: 6",
  ].map((trailer) =>
    odd(`the trailer ${trailer}`, post([te], `0\r\n${trailer}\r\n\r\n${innerBytes}`), [
      outer,
      inner,
    ]),
  ),
  odd("many leading zeros", post([te], `${"0".repeat(64)}5\r\nhello\r\n0\r\n\r\n${innerBytes}`), [
    outer,
    inner,
  ]),
  ...["5 \r\nhello\r\n0\r\n\r\n", "5\t\r\nhello\r\n0\r\n\r\n", "5 ;a\r\nhello\r\n0\r\n\r\n"].map(
    (body) => odd(`chunks ${JSON.stringify(body)}`, post([te], body + innerBytes), [outer, inner]),
  ),
  ...[
    " 5\r\nhello\r\n0\r\n\r\n",
    "+5\r\nhello\r\n0\r\n\r\n",
    "-5\r\nhello\r\n0\r\n\r\n",
    "-0\r\n\r\n",
    "0x5\r\nhello\r\n0\r\n\r\n",
    "5h\r\nhello\r\n0\r\n\r\n",
    "5_0\r\nhello\r\n0\r\n\r\n",
    ";a=b\r\nhello\r\n0\r\n\r\n",
    "\r\n5\r\nhello\r\n0\r\n\r\n",
    "10000000000000005\r\nhello\r\n0\r\n\r\n",
    "FFFFFFFFFFFFFFFFF\r\nhello\r\n0\r\n\r\n",
    "fffffffffffffffb\r\nhello\r\n0\r\n\r\n",
    "5\nhello\r\n0\r\n\r\n",
    "5\rhello\r\n0\r\n\r\n",
    "5\r\r\nhello\r\n0\r\n\r\n",
    "5\r\nhello\n0\r\n\r\n",
    "5\r\nhello\r0\r\n\r\n",
    "5\r\nhello0\r\n\r\n",
    "5\r\nhelloXX0\r\n\r\n",
    "5\r\nhello\r\n0\n\r\n",
    "5\r\nhello\r\n0\r\n\n",
    "5\r\nhello\r\n0\r\r\n",
    "5;a\nb\r\nhello\r\n0\r\n\r\n",
    "5;a\rb\r\nhello\r\n0\r\n\r\n",
    "5;\x00\r\nhello\r\n0\r\n\r\n",
    '5;a="\r\n"\r\nhello\r\n0\r\n\r\n',
    "0;\nGET /inner HTTP/1.1\r\n\r\n",
    "0\r\nX: y\n\r\n",
    "0\r\nX: y\rZ: z\r\n\r\n",
    "0\r\nX y\r\n\r\n",
    "0\r\n X: y\r\n\r\n",
    "0\r\nX : y\r\n\r\n",
    "0\r\nX: \x00\r\n\r\n",
  ].map((body) => wrong(`chunks ${JSON.stringify(body)}`, post([te], body + innerBytes))),
]

/** Heads that are read as one by some, and as another by others. */
const headVectors: readonly Vector[] = [
  sound("an empty line in front", `\r\n${post([length(0)], innerBytes)}`, [outer, inner]),
  ...[
    ["line feeds alone", post([length(0)], "").replaceAll("\r\n", "\n")],
    ["carriage returns alone", post([length(0)], "").replaceAll("\r\n", "\r")],
    ["a line feed alone behind the request line", post([length(0)], "").replace("\r\n", "\n")],
    ["a line feed alone as the head's end", `${post([length(0)], "").slice(0, -2)}\n`],
    ["a carriage return in a value", post([length(0), "X: a\rY: b"], "")],
    ["a line feed in a value", post([length(0), "X: a\nY: b"], "")],
    ["a nul in a value", post([length(0), "X: a\0b"], "")],
    ["a nul in a name", post([length(0), "X\0: b"], "")],
    ["a control character in a value", post([length(0), "X: a\x01b"], "")],
    ["a delete character in a value", post([length(0), "X: a\x7fb"], "")],
    ["a folded value", post([length(0), "X: a\r\n b"], "")],
    ["a folded host", "POST /outer HTTP/1.1\r\nHost:\r\n x\r\nContent-Length: 0\r\n\r\n"],
    ["a space in front of the first header", `POST /outer HTTP/1.1\r\n Host: x\r\n\r\n`],
    ["a header without a colon", post([length(0), "X"], "")],
    ["a header without a name", post([length(0), ": x"], "")],
    ["a space in a name", post([length(0), "X Y: z"], "")],
    ["a space behind a name", post([length(0), "X : z"], "")],
    ["a parenthesis in a name", post([length(0), "X(: z"], "")],
    ["a byte above 127 in a name", post([length(0), "X\xe9: z"], "")],
    ["two hosts", post([length(0), "Host: y"], "")],
    ["two hosts that are one", post([length(0), "Host: x"], "")],
    ["a host with a space behind its name", "GET /inner HTTP/1.1\r\nHost : x\r\n\r\n"],
    ["a header of 70 kB", post([length(0), `X: ${"y".repeat(70_000)}`], "")],
    ["9000 headers", post([length(0), ...Array<string>(9000).fill("X: y")], "")],
  ].map(([name, bytes]) => wrong(name!, bytes! + innerBytes)),
]

const lineVectors: readonly Vector[] = [
  // Words may be told by any white space (RFC 9112, section 3).
  odd("two spaces in the line", `GET  /outer HTTP/1.1\r\nHost: x\r\n\r\n${innerBytes}`, [
    "GET /outer",
    inner,
  ]),
  odd("a method of few", `SOURCE /outer HTTP/1.1\r\nHost: x\r\n\r\n${innerBytes}`, [
    "SOURCE /outer",
    inner,
  ]),
  ...[
    "GET\t/outer HTTP/1.1",
    "GET /outer\tHTTP/1.1",
    " GET /outer HTTP/1.1",
    "GET /outer HTTP/1.1 HTTP/1.1",
    "GET /outer x HTTP/1.1",
    "GET /outer",
    "GET /outer HTTP/",
    "GET /outer HTTP/1",
    "GET /outer HTTP/1.10",
    "GET /outer HTTP/1.2",
    "GET /outer HTTP/01.1",
    "GET /outer HTTP/0.9",
    "GET /outer HTTP/2.0",
    "GET /outer HTTP/3",
    "GET /outer HTTP /1.1",
    "GET /outer http/1.1",
    "GET /outer HTTP/1.1\x00",
    "GET /outer ICE/1.0",
    "get /outer HTTP/1.1",
    "G@T /outer HTTP/1.1",
    "GET /out\0er HTTP/1.1",
    "GET /out\x01er HTTP/1.1",
    "GET /out\rer HTTP/1.1",
    "GET /out\ner HTTP/1.1",
    "GET outer HTTP/1.1",
    "CONNECT x:80 HTTP/1.1",
    "CONNECT /outer HTTP/1.1",
    "PRI * HTTP/2.0",
    "GET",
    "",
    "HTTP/1.1 200 OK",
    "\x16\x03\x01\x02\x00\x01\x00",
  ].map((line) =>
    wrong(`the line ${JSON.stringify(line)}`, `${line}\r\nHost: x\r\n\r\n${innerBytes}`),
  ),
]

/** An address that is not what it is for: the one in the line, or the one in the header. */
const addressVectors: readonly Vector[] = [
  "http://x/outer",
  "http://other/outer",
  "https://x/outer",
  "http://a@x/outer",
  "http://x:1/outer",
  "//other/outer",
  "/outer#inner",
  "/outer?a b".replace(" ", "%20"),
  "/%2e%2e/outer",
  "/./outer",
  "*",
].map((address) =>
  odd(`the address ${address}`, `GET ${address} HTTP/1.1\r\nHost: x\r\n\r\n${innerBytes}`, [
    `GET ${address}`,
    inner,
  ]),
)

const otherVectors: readonly Vector[] = [
  sound("one behind another", post([length(5)], `hello${innerBytes}`), [outer, inner]),
  sound("a request as a body", post([length(innerBytes.length)], innerBytes), [outer]),
  sound("none of a body", post([length(0)], innerBytes), [outer, inner]),
  sound("no length at all", post([], innerBytes), [outer, inner]),
  odd(
    "GET with a request as its body",
    `GET /outer HTTP/1.1\r\nHost: x\r\n${length(innerBytes.length)}\r\n\r\n${innerBytes}`,
    ["GET /outer"],
  ),
  odd("GET in chunks", `GET /outer HTTP/1.1\r\nHost: x\r\n${te}\r\n\r\n${chunked(innerBytes)}`, [
    "GET /outer",
  ]),
  odd(
    "HEAD with a request as its body",
    `HEAD /outer HTTP/1.1\r\nHost: x\r\n${length(innerBytes.length)}\r\n\r\n${innerBytes}`,
    ["HEAD /outer"],
  ),
  odd("what follows a goodbye", post([length(0), "Connection: close"], innerBytes), [outer]),
  wrong("HTTP/1.0 in chunks", post([te], chunked("hello") + innerBytes).replace("1.1", "1.0")),
  wrong(
    "HTTP/1.0 in chunks that keeps alive",
    post([te, "Connection: keep-alive"], chunked("hello") + innerBytes).replace("1.1", "1.0"),
  ),
  odd(
    "HTTP/1.0 that keeps alive",
    post([length(5), "Connection: keep-alive"], `hello${innerBytes}`).replace("1.1", "1.0"),
    [outer, inner],
  ),
  odd("HTTP/1.0 that does not", post([length(5)], `hello${innerBytes}`).replace("1.1", "1.0"), [
    outer,
  ]),
  ...["content-length", "transfer-encoding", "host", "x-forwarded-for, content-length"].map(
    (named) =>
      odd(`Connection: ${named}`, post([length(5), `Connection: ${named}`], `hello${innerBytes}`), [
        outer,
        inner,
      ]),
  ),
  odd(
    "chunks that Connection names",
    post([te, "Connection: transfer-encoding"], chunked("hello") + innerBytes),
    [outer, inner],
  ),
  odd(
    "Expect: 100-continue, and not waiting",
    post([length(5), "Expect: 100-continue"], `hello${innerBytes}`),
    [outer, inner],
  ),
  odd("Expect: 100-continue without a body", post(["Expect: 100-continue"], innerBytes), [
    outer,
    inner,
  ]),
  wrong(
    "Expect: 100-continue, both framings",
    post([length(5), te, "Expect: 100-continue"], `0\r\n\r\n${innerBytes}`),
  ),
  odd("Expect: something", post([length(5), "Expect: something"], `hello${innerBytes}`), [
    outer,
    inner,
  ]),
  odd(
    "an upgrade to h2c",
    post(
      [
        length(5),
        "Connection: Upgrade, HTTP2-Settings",
        "Upgrade: h2c",
        "HTTP2-Settings: AAMAAABk",
      ],
      `hello${innerBytes}`,
    ),
    [outer, inner],
  ),
  ...[
    ["an upgrade with a body", [length(5)], `hello${innerBytes}`],
    ["an upgrade in chunks", [te], chunked("hello") + innerBytes],
    ["an upgrade by both framings", [length(5), te], `0\r\n\r\n${innerBytes}`],
  ].map(([name, lines, rest]) =>
    odd(
      name as string,
      post([...(lines as string[]), "Connection: Upgrade", "Upgrade: websocket"], rest as string),
      name === "an upgrade by both framings" ? [] : [outer, inner],
    ),
  ),
  odd(
    "an upgrade and a request behind it",
    `GET /outer HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n${innerBytes}`,
    ["GET /outer", inner],
  ),
  odd(
    "an upgrade behind a request",
    `${innerBytes}GET /outer HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
    [inner, "GET /outer"],
  ),
  odd("no host", `GET /outer HTTP/1.1\r\n\r\n${innerBytes}`, ["GET /outer", inner]),
  wrong("nonsense", `nonsense\r\n\r\n${innerBytes}`),
]

export const vectors: readonly Vector[] = [
  ...codingVectors,
  ...lengthVectors,
  ...chunkVectors,
  ...headVectors,
  ...lineVectors,
  ...addressVectors,
  ...otherVectors,
]
