/** The balancer's decisions, on time and chance that are given. */
import assert from "node:assert/strict"
import type { IncomingHttpHeaders } from "node:http"
import { test } from "node:test"
import { deadlineHeader, deadlineMs } from "../../src/core/http/deadline-header.ts"
import { requestIdOf } from "../../src/core/http/request-id.ts"
import { MalformedError } from "../../src/core/http/response-parser.ts"
import { Circuit } from "../../src/local/balancer/circuit.ts"
import { fateOf } from "../../src/local/balancer/fate.ts"
import { headersForReplica, trailersToPassOn } from "../../src/local/balancer/headers.ts"
import { requestHead } from "../../src/local/balancer/message.ts"
import { pick } from "../../src/local/balancer/pick.ts"

const candidate = (outstanding: number, isReady = true) => ({ outstanding, takes: () => isReady })

test("the fewest outstanding requests win, and only who takes any", () => {
  const [a, b, c] = [candidate(3), candidate(1), candidate(0, false)]
  assert.equal(pick([a, b, c], 0, Math.random), b)
  assert.equal(pick([c], 0, Math.random), undefined)
  assert.equal(pick([], 0, Math.random), undefined)
})

test("each of several equals has the same chance", () => {
  const equals = [candidate(2), candidate(5), candidate(2), candidate(2)]
  let state = 1
  const random = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const counts = new Map(equals.map((one) => [one, 0]))
  for (let n = 0; n < 9000; n++) {
    const chosen = pick(equals, 0, random)
    if (chosen !== undefined) counts.set(chosen, (counts.get(chosen) ?? 0) + 1)
  }
  const [first = 0, never = 0, third = 0, fourth = 0] = counts.values()
  assert.equal(never, 0)
  for (const count of [first, third, fourth]) assert.ok(Math.abs(count - 3000) < 200, `${count}`)
})

test("a circuit opens after three failures in a row, and lets one try after a back-off", () => {
  const circuit = new Circuit()
  const middle = (): number => 0.5
  circuit.failed(false, 0, middle)
  circuit.failed(false, 0, middle)
  circuit.worked()
  circuit.failed(false, 0, middle)
  circuit.failed(false, 0, middle)
  assert.equal(circuit.allows(0), true, "not in a row")
  assert.equal(circuit.failed(false, 0, middle), true)
  assert.equal(circuit.failed(false, 0, middle), false, "what had begun before says nothing new")
  assert.deepEqual([circuit.isOpen, circuit.retryAtMs], [true, 100])
  assert.deepEqual([circuit.allows(99), circuit.allows(100)], [false, true])
  assert.equal(circuit.begin(), true)
  assert.deepEqual([circuit.allows(101), circuit.retryAtMs], [false, undefined], "one at a time")
  circuit.undecided(true)
  assert.equal(circuit.allows(101), true, "who tried has left")
  circuit.begin()
  circuit.failed(true, 150, middle)
  assert.deepEqual(
    [circuit.retryAtMs, circuit.allows(349), circuit.allows(350)],
    [350, false, true],
  )
  circuit.begin()
  assert.equal(circuit.worked(), true)
  assert.deepEqual([circuit.isOpen, circuit.allows(0), circuit.begin()], [false, true, false])
})

test("a head that a reader could take for two can't be sent", () => {
  assert.equal(
    requestHead("GET", "/a", ["X", "1", "y", "\xe9"]),
    "GET /a HTTP/1.1\r\nX: 1\r\ny: \xe9\r\n\r\n",
  )
  for (const [path, value] of [
    ["/a b", "1"],
    ["/a\r\nx: y", "1"],
    ["/", "1\r\nx: y"],
    ["/", "1\nx: y"],
    ["/", "\0"],
    ["/\u0100", "1"],
    ["/", "\u0100"],
  ] as const) {
    assert.throws(() => requestHead("GET", path, ["x", value]), TypeError)
  }
})

test("only what a replica can't have seen is tried again", () => {
  const error = (code: string, syscall?: string): NodeJS.ErrnoException =>
    Object.assign(new Error(code), { code, ...(syscall === undefined ? {} : { syscall }) })
  const fates: readonly (readonly [NodeJS.ErrnoException, inOnePiece: boolean, string])[] = [
    [error("ECONNREFUSED", "connect"), true, "not-taken"],
    [error("ECONNREFUSED", "connect"), false, "not-taken"],
    [error("ETIMEDOUT", "connect"), false, "not-taken"],
    [error("ECONNRESET", "read"), true, "not-taken"],
    [error("EPIPE", "write"), true, "not-taken"],
    [error("ECONNRESET", "read"), false, "lost"],
    [error("EPIPE", "write"), false, "lost"],
    [error("ECONNRESET"), true, "unsure"],
    [error("ECONNRESET"), false, "lost"],
    [error("ETIMEDOUT", "read"), true, "lost"],
    [new MalformedError("no status line"), true, "lost"],
  ]
  for (const [cause, inOnePiece, fate] of fates) {
    assert.equal(fateOf(cause, inOnePiece), fate, `${cause.message} ${cause.syscall} ${inOnePiece}`)
  }
})

test("the balancer and the service read a request's id and deadline alike", () => {
  const trace = "4bf92f3577b34da6a3ce929d0e0e4736"
  const uuid = /^[0-9a-f]{8}-[0-9a-f-]{27}$/
  const ids: readonly [headers: IncomingHttpHeaders, expected: string | RegExp][] = [
    [{ "x-request-id": "mine" }, "mine"],
    [{ "x-request-id": "m".repeat(128) }, "m".repeat(128)],
    [{ "x-request-id": "m".repeat(129) }, uuid],
    [{ "x-request-id": "not mine" }, uuid],
    [{ "x-request-id": "", traceparent: `00-${trace}-00f067aa0ba902b7-01` }, trace],
    [{ traceparent: `00-${trace}-00f067aa0ba902b7-01-more` }, trace],
    [{ traceparent: `00-${"0".repeat(32)}-00f067aa0ba902b7-01` }, uuid],
    [{ traceparent: "00-short-00f067aa0ba902b7-01" }, uuid],
    [{}, uuid],
  ]
  for (const [headers, expected] of ids) {
    const { id, isSent } = requestIdOf(headers)
    if (typeof expected === "string") assert.equal(id, expected)
    else assert.match(id, expected, JSON.stringify(headers))
    assert.equal(isSent, id !== trace, "the replica finds a trace's id by itself")
  }
  assert.equal(deadlineHeader, "x-envoy-expected-rq-timeout-ms")
})

test("what the balancer leaves of a deadline is what the service would have read of it", () => {
  const passedOn = (...values: readonly string[]): string | undefined => {
    const rawHeaders = values.flatMap((value) => [deadlineHeader, value])
    const request = { rawHeaders, headers: {}, httpVersionMinor: 1, socket: {} } as never
    const sent = headersForReplica(request, { id: "mine", isSent: true }, 10.5)
    const found = sent.filter((_, i) => sent[i - (i % 2)] === deadlineHeader && i % 2 === 1)
    // As node:http joins them for the service.
    return found.join(", ")
  }
  const readAs: readonly (readonly [values: string[], ms: number | undefined])[] = [
    [["250"], 240],
    [["0007000"], 6990],
    [["3"], 1],
    [["9".repeat(20)], Number.MAX_SAFE_INTEGER - 10],
    [["9".repeat(400)], Number.MAX_SAFE_INTEGER - 10],
    ...["0", "000", "-5", "+5", "1.5", "1e3", "0x10", "5 5", "5, 5", "5;5", "٣", "soon", ""].map(
      (wrong): [string[], undefined] => [[wrong], undefined],
    ),
    [["5000", "5000"], undefined],
    [["5000", "0"], undefined],
  ]
  for (const [values, ms] of readAs) {
    assert.equal(deadlineMs(passedOn(...values)), ms, values.join(" | ").slice(0, 40))
  }
})

test("trailers that could change what was decided by the head are dropped", () => {
  const dropped = ["Content-Length", "transfer-encoding", "HOST", "Authorization", "Set-Cookie"]
  const more = ["x-forwarded-for", "X-Request-Id", "connection", "Content-Type", deadlineHeader]
  for (const name of [...dropped, ...more, "x-hop"]) {
    const passed = trailersToPassOn(["X-A", "1", name, "7", "x-b", name], "x-hop, close")
    assert.deepEqual(passed, ["X-A", "1", "x-b", name])
  }
  assert.deepEqual(trailersToPassOn([], undefined), [])
})
