/**
 * What reads text of others takes time by its length, whatever is in it. That is a matter of ratios:
 * eight times as much may take eight times as long, and with what is quadratic it is 64.
 */
import assert from "node:assert/strict"
import { test } from "node:test"
import { isRoutine, shownLine } from "../../src/cli/screen/log-line.ts"
import { parseHeaders } from "../../src/core/http/response-parser.ts"
import { printable, printableStyled, withoutLogins } from "../../src/core/printable.ts"
import { Cookies } from "../../src/load/client/cookies.ts"
import { parseSamples } from "../../src/load/target/prometheus-text.ts"

const readers: Readonly<Record<string, (text: string) => unknown>> = {
  "samples of metrics": parseSamples,
  "labels of metrics": (text) => parseSamples(`a{${text}`),
  "values of labels": (text) => parseSamples(`a{b="${text}`),
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
]

/** CPU time, which others don't count in; and the least of some, since memory is collected meanwhile. */
function leastMs(work: () => unknown): number {
  const times = Array.from({ length: 3 }, () => {
    const before = process.threadCpuUsage()
    work()
    const { user, system } = process.threadCpuUsage(before)
    return (user + system) / 1000
  })
  return Math.min(...times)
}

const length = 8_000
const ratioMax = 24
/** Less is too short to be told from what else the machine does. */
const shortMs = 20

for (const [name, read] of Object.entries(readers)) {
  test(`${name} take time by their length`, () => {
    for (const piece of pieces) {
      const text = piece.repeat(Math.ceil(length / piece.length))
      const eightfold = text.repeat(8)
      const tookMs = leastMs(() => read(eightfold))
      if (tookMs < shortMs) continue
      const ratio = tookMs / leastMs(() => read(text))
      const says = `${JSON.stringify(piece)}: ${ratio.toFixed(1)} times as long for eight`
      assert.ok(ratio < ratioMax, says)
    }
  })
}
