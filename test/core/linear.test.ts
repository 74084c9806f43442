/**
 * What reads text of others takes time by its length, whatever is in it. That is a matter of ratios:
 * eight times as much may take eight times as long, and with what is quadratic it is 64.
 */
import assert from "node:assert/strict"
import { writeFileSync } from "node:fs"
import { after, test } from "node:test"
import { reasonIn } from "../../src/cli/image-reason.ts"
import { isRoutine, shownLine } from "../../src/cli/screen/log-line.ts"
import { deadlineMs } from "../../src/core/http/deadline-header.ts"
import { peerOf } from "../../src/core/http/peer.ts"
import { requestIdOf } from "../../src/core/http/request-id.ts"
import { parseHeaders, ResponseParser } from "../../src/core/http/response-parser.ts"
import { printable, printableStyled, withoutLogins } from "../../src/core/printable.ts"
import { parseYaml } from "../../src/kubernetes/access/bounded-yaml.ts"
import { parseImage } from "../../src/kubernetes/cluster/registry.ts"
import { GcloudError } from "../../src/kubernetes/gke/gcloud.ts"
import { troubleOf } from "../../src/kubernetes/gke/trouble.ts"
import { Cookies } from "../../src/load/client/cookies.ts"
import { readResult } from "../../src/load/report/stored.ts"
import { csv } from "../../src/load/scenario/data.ts"
import { readScenario } from "../../src/load/scenario/openapi-fetch.ts"
import { parseSamples } from "../../src/load/target/prometheus-text.ts"
import { trailersToPassOn } from "../../src/local/balancer/headers.ts"
import { chooseEncoding, mediaTypeChooser } from "../../src/service/http/negotiate.ts"
import { normalPath, routedUrl } from "../../src/service/path.ts"
import { TemporaryFolder } from "../support/cli.ts"

const folder = new TemporaryFolder()
after(() => folder[Symbol.dispose]())

/** What reads a file, and may refuse it. */
function ofFile(read: (path: string) => Promise<unknown>): (text: string) => Promise<unknown> {
  return async (text) => {
    const path = `${folder.path}/text`
    writeFileSync(path, text)
    await read(path).catch(refused)
  }
}

function refused(error: Error): void {
  assert.doesNotMatch(error.name, /AssertionError/)
}

/** May refuse it. */
function trying(read: (text: string) => unknown): (text: string) => unknown {
  return (text) => {
    try {
      read(text)
    } catch (error) {
      refused(error as Error)
    }
  }
}

const unread = { interim() {}, head() {}, data() {}, end() {} }

/** An answer that begins so and has the text next. */
const answerOf = (...lines: readonly string[]) =>
  trying((text) => {
    const parser = new ResponseParser()
    parser.expect(unread, false)
    parser.feed(Buffer.from(`${lines.join("\r\n")}${text}\r\n\r\n`, "latin1"))
  })

/** Some take long, if not too long. */
const eighthOf = (text: string) => text.slice(0, text.length / 8)

const chooseType = mediaTypeChooser(["application/json", "image/*"])
const place = { project: "p", location: "l", cluster: "c", registry: "r" }

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  "reasons of answers": answerOf("HTTP/1.1 200 "),
  "chunks of answers": answerOf("HTTP/1.1 200 OK", "transfer-encoding: chunked", "", "1;"),
  "trailers of answers": answerOf("HTTP/1.1 200 OK", "transfer-encoding: chunked", "", "0", "a: "),
  "lines of headers": parseHeaders,
  kubeconfigs: trying((text) => parseYaml(eighthOf(text))),
  "files of rows": (text) => ofFile((path) => csv(path))(eighthOf(text)),
  "files of rows with columns": (text) => ofFile((path) => csv(path))(`a,b\n${eighthOf(text)}`),
  "documents in YAML": (text) => ofFile(readScenario)(eighthOf(text)),
  "results that were stored": ofFile(readResult),
  "what gcloud says": (text) => troubleOf(new GcloudError([], "failed", text), place),
  "what an image says": (text) => reasonIn(`ENOENT '${text}`, []),
  "names of images": parseImage,
  "addresses that proxies tell": (text) => peerOf(`:${text}`),
  "ids of requests": (text) => requestIdOf({ "x-request-id": text, traceparent: text }),
  deadlines: deadlineMs,
  "names of trailers": (text) => trailersToPassOn([text, text], text),
  "types that are accepted": chooseType,
  "encodings that are accepted": chooseEncoding,
  "paths that are asked for": (text) => [normalPath(`/${text}`), routedUrl(`/${text}%41`)],
  "samples of metrics": parseSamples,
  "labels of metrics": (text) => parseSamples(`a{${text}`),
  "values of labels": (text) => parseSamples(`a{b="${text}`),
  "values of metrics": (text) => parseSamples(`a ${text}`),
  "printed text": printable,
  "printed text with styles": printableStyled,
  "text with logins": withoutLogins,
  "lines of logs": shownLine,
  "lines of logs in a terminal": isRoutine,
  "headers of answers": (text) => parseHeaders(`a: ${text}\r\n`),
  cookies: (text) => new Cookies(new URL("http://host/")).take([`a=${text}`, text], "/"),
}

/** What regular expressions stumble over, over and over. */
const pieces = [
  ...['"', '""', 'a="', 'a="\\', "\\", "a", "0", " ", "\t", ",", ";", "=", "a=b;", "a{", "}"],
  ...["\x1b", "\x1b[", "\x1b[1", "\x1b[1m", "\x1b]0;", "\x9b", "://", "://a", "@", "://@", "a@"],
  ...["(", "[", "{", '{"', "\r", "\ufffd", "🌍", "INFO: ", "1.1", "-"],
  ...[
    "- ",
    "? ",
    ": ",
    "&a ",
    "*a ",
    "!",
    "|\n",
    "a: b\n",
    "%\n",
    "#\n",
    "\n",
    "[]",
    "/*;",
    "*/*,",
  ],
  ...["ENOENT'", "billing account for project ", "FAILED_PRECONDITION", "project ", "%2F", "//"],
  ...["set-cookie: a\r\n", "k№: №\r\n", "k№,", "- &a№ *a№\n", "a: №\n"],
]

/** As often as makes up the length; № is another number each time. */
function repeated(piece: string, length: number): string {
  if (!piece.includes("№")) return piece.repeat(Math.ceil(length / piece.length))
  let text = ""
  for (let i = 0; text.length < length; i++) text += piece.replaceAll("№", String(i))
  return text
}

/** CPU time, which others don't count in; and the least of some, since memory is collected meanwhile. */
async function leastMs(work: () => unknown): Promise<number> {
  let least = Number.POSITIVE_INFINITY
  for (let tries = 0; tries < 3; tries++) {
    const before = process.threadCpuUsage()
    await work()
    const { user, system } = process.threadCpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
    // It can't be any less than that by chance.
    if (least < shortMs) break
  }
  return least
}

const length = 8_000
const ratioMax = 24
/** Less is too short to be told from what else the machine does. */
const shortMs = 20

for (const [name, read] of Object.entries(readers)) {
  test(`${name} take time by their length`, async () => {
    for (const piece of pieces) {
      const text = repeated(piece, length)
      const eightfold = repeated(piece, 8 * length)
      let ratio = Number.POSITIVE_INFINITY
      // Once may be chance: memory, and what Node makes faster only now.
      for (let tries = 0; tries < 3 && ratio >= ratioMax; tries++) {
        const tookMs = await leastMs(() => read(eightfold))
        ratio = tookMs < shortMs ? 0 : tookMs / (await leastMs(() => read(text)))
      }
      const says = `${JSON.stringify(piece)}: ${ratio.toFixed(1)} times as long for eight`
      assert.ok(ratio < ratioMax, says)
    }
  })
}
