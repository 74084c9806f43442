/**
 * Answers that were changed by chance, read by our parser and by llhttp, as node:http's client has it.
 * Ours may refuse what llhttp takes. It may take nothing that llhttp refuses, read nothing otherwise,
 * and send nothing more on a connection that llhttp would not use again; nor may it matter in which
 * pieces an answer comes.
 */
import { Agent, type IncomingMessage, request } from "node:http"
import { Duplex } from "node:stream"
import { MalformedError, ResponseParser, rawHeaders } from "../../src/core/http/response-parser.ts"
import { type Attack, shown } from "./attack.ts"
import { cut, mutated } from "./mutation.ts"

export const responses: Attack = {
  name: "responses",
  what: "answers that were changed by chance: our parser takes nothing that llhttp reads otherwise",
  async run(trial) {
    const endsAtMs = performance.now() + trial.seconds * 1000
    let whole = 0
    let stricter = 0
    while (performance.now() < endsAtMs) {
      const isHead = trial.below(8) === 0
      const bytes = mutated(trial.oneOf(answers), morsels, trial)
      const pieces = cut(bytes, trial)
      const ours = readByOurs([...bytes], isHead)
      const inPieces = readByOurs(pieces, isHead)
      // What is behind an answer is nobody's, and makes llhttp refuse the answer as well.
      const own = ours.kind === "whole" ? bytes.slice(0, ours.bytes) : bytes
      const theirs = await readByTheirs(own === bytes ? pieces : [own], isHead)
      trial.tried("answers")
      const differs = (what: string): void =>
        trial.found(
          `${what}; ${isHead ? "to HEAD " : ""}${shown(bytes)} in ${pieces.length} pieces`,
        )
      if (told(ours) !== told(inPieces))
        differs(`${told(ours)} byte by byte, ${told(inPieces)} in pieces`)
      if (ours.kind === "whole") {
        whole += 1
        const known = knownDifferences.find(({ is }) => is(own, isHead))
        if (known !== undefined) trial.tried(known.what)
        else if (told(ours) !== told(theirs)) differs(`ours ${told(ours)}, theirs ${told(theirs)}`)
        else if (ours.keepsAlive && theirs.kind === "whole" && !theirs.keepsAlive) {
          differs("ours uses the connection again, and theirs does not")
        }
      } else if (theirs.kind === "whole") stricter += 1
    }
    trial.note(`${whole} were whole to ours, ${stricter} to llhttp only`)
  },
}

type Reading =
  | { readonly kind: "refused" | "unfinished" }
  | {
      readonly kind: "whole"
      /** All that was read, as a text. */
      readonly text: string
      /** How long it was. */
      readonly bytes: number
      readonly keepsAlive: boolean
    }

function told(reading: Reading): string {
  return reading.kind === "whole" ? reading.text : reading.kind
}

function wholeText(
  status: number,
  statusText: string,
  headers: readonly string[],
  body: string,
  trailers: readonly string[],
): string {
  return JSON.stringify({ status, statusText, headers, body, trailers })
}

function readByOurs(pieces: readonly string[], isHead: boolean): Reading {
  const parser = new ResponseParser()
  let head = { status: 0, statusText: "", lines: "" }
  let body = ""
  let text: string | undefined
  let given = 0
  let bytes = 0
  parser.expect(
    {
      interim: () => {},
      head: (its) => {
        head = its
      },
      data: (bytes, start, end) => {
        body += bytes.toString("latin1", start, end)
      },
      end: (trailers) => {
        const { status, statusText, lines } = head
        text = wholeText(status, statusText, rawHeaders(lines), body, rawHeaders(trailers))
        bytes = given
      },
    },
    isHead,
  )
  try {
    for (const piece of pieces) {
      given += piece.length
      parser.feed(Buffer.from(piece, "latin1"))
    }
    parser.close()
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    return { kind: "refused" }
  }
  if (text === undefined) return { kind: "unfinished" }
  return { kind: "whole", text, bytes, keepsAlive: parser.keepsAlive }
}

/** One connection without a network, which says what it is told to. */
class Line extends Agent {
  readonly #end = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })

  constructor() {
    super({ keepAlive: true })
  }

  override createConnection(): Duplex {
    return this.#end
  }

  /** Behind one answer it is done with. */
  override keepSocketAlive(): boolean {
    return false
  }

  say(pieces: readonly string[]): void {
    for (const piece of pieces) this.#end.push(piece, "latin1")
    this.#end.push(null)
  }
}

async function readByTheirs(pieces: readonly string[], isHead: boolean): Promise<Reading> {
  const agent = new Line()
  const { promise, resolve } = Promise.withResolvers<Reading>()
  const asked = request({ agent, method: isHead ? "HEAD" : "GET", maxHeaderSize: 65_536 })
  asked.on("error", (error: NodeJS.ErrnoException) => {
    resolve({ kind: /^HPE_/.test(error.code ?? "") ? "refused" : "unfinished" })
  })
  asked.on("upgrade", () => resolve({ kind: "refused" }))
  asked.on("response", (response: IncomingMessage) => {
    let body = ""
    response.setEncoding("latin1")
    response.on("data", (text: string) => {
      body += text
    })
    response.on("error", () => resolve({ kind: "unfinished" }))
    response.on("close", () => {
      const { complete, statusCode = 0, statusMessage = "", rawHeaders, rawTrailers } = response
      const text = wholeText(statusCode, statusMessage, rawHeaders, body, rawTrailers)
      const keepsAlive = asked.shouldKeepAlive
      resolve(complete ? { kind: "whole", text, bytes: 0, keepsAlive } : { kind: "unfinished" })
    })
  })
  asked.end()
  asked.once("socket", () => agent.say(pieces))
  const reading = await promise
  agent.destroy()
  asked.destroy()
  return reading
}

/** Where ours takes more, and why it may. */
const knownDifferences: readonly {
  readonly what: string
  is(bytes: string, isHead: boolean): boolean
}[] = [
  {
    // It has no body, whatever it says (RFC 9112, section 6.3); llhttp waits for the connection's end.
    what: "of them to HEAD, which say no length",
    is: (bytes, isHead) => isHead && !/\r\n(content-length|transfer-encoding):/i.test(bytes),
  },
  {
    // Blanks behind a size and around a semicolon have to be read over (RFC 9112, section 7.1.1).
    what: "of them with blanks behind a chunk's size",
    is: (bytes) => /\r\n[0-9a-f]+([\t ]|;.*[\t ])/i.test(bytes),
  },
  {
    // The connection ends with the answer, and an interim one is none; llhttp reads no more.
    what: "of them with a goodbye before the answer",
    is: (bytes) => /(^|\r\n\r\n)HTTP\/1\.[01] 1.*\r\n(.+\r\n)*connection:.*close/i.test(bytes),
  },
  {
    // What frames in trailers is nothing to ours, and the balancer leaves it out.
    what: "of them with a length in the trailers",
    is: (bytes) => /\r\n0+\r\n(.*\r\n)*content-length:/i.test(bytes),
  },
]

const ok = "HTTP/1.1 200 OK\r\n"

const answers = [
  `${ok}Content-Length: 5\r\n\r\nhello`,
  `${ok}content-length: 0\r\n\r\n`,
  `${ok}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\n\r\n`,
  `${ok}transfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\nx: y\r\n\r\n`,
  `${ok}x: y\r\n\r\nall of it`,
  `${ok}connection: Foo, Close\r\ncontent-length: 1\r\n\r\na`,
  "HTTP/1.0 200 OK\r\ncontent-length: 1\r\n\r\na",
  "HTTP/1.0 200 OK\r\nconnection: keep-alive\r\ncontent-length: 1\r\n\r\na",
  "HTTP/1.0 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1\r\na\r\n0\r\n\r\n",
  "HTTP/1.1 204 No Content\r\ncontent-length: 9\r\n\r\n",
  "HTTP/1.1 304 Not Modified\r\ncontent-length: 9\r\netag: x\r\n\r\n",
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 1\r\n\r\na",
  `${ok}content-length: 1\r\n\r\nabc`,
  `${ok}set-cookie: a=1\r\nset-cookie: b=2\r\ncontent-length: 2\r\n\r\nok`,
  "HTTP/1.1 200\r\ncontent-length: 1\r\n\r\na",
  "HTTP/1.1 404 Not Found\r\nCity: Forl\xec\r\nContent-Length: 2\r\n\r\nno",
]

/** What makes a difference to readers of answers. */
const morsels = [
  ...["content-length: 1\r\n", "content-length: 9\r\n", "transfer-encoding: chunked\r\n"],
  ...["connection: close\r\n", "connection: keep-alive\r\n", "upgrade: x\r\n", "x: y\r\n"],
  ...["HTTP/1.0", "HTTP/1.1", " 101 ", " 204 ", " 304 ", " 103 ", ok, "5\r\nhello\r\n"],
]
