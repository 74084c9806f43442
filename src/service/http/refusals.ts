/**
 * Answers to requests that were not run, or not to the end: 503 and 504, whose bodies are made once,
 * because they are sent most when there is least time for them; and 422 for what no server could do
 * by its deadline.
 */
import { deadlineHeader } from "../../core/http/deadline-header.ts"
import type { Operation } from "../operation.ts"
import type { JsonText, Outcome, Shed, ShedReason } from "../outcome.ts"
import { type Problem, problem } from "../problem.ts"
import type { Exchange } from "./exchange.ts"
import { problemMediaType, send, sendProblem } from "./send.ts"

const shedDetails: Readonly<Record<ShedReason, string>> = {
  "queue-full": "All workers are busy and as many requests wait as may. Try again later.",
  displaced: "Others, who have asked for less, went first, and left no room. Try again later.",
  "bytes-full": "As many bytes of request bodies are held as may be. Try again later.",
  "slow-body":
    "The body came slowly, and others needed the room that it held. Send it faster, or try again later.",
  deadline: "There is too much to do to answer this before its deadline. Try again later.",
  "no-workers": "No worker is ready to take the request. Try again later.",
  "setup-failed": "The operation is not ready to take requests. Try again later.",
}
const shedBodies = Object.fromEntries(
  Object.entries(shedDetails).map(([reason, detail]) => [reason, bodyOf(503, detail)]),
) as Readonly<Record<ShedReason, string>>

const expiredDetail = "The request was not done by its deadline, and was stopped."
const expiredBody = bodyOf(504, expiredDetail)

/**
 * Where most of the time until the deadline, or more, went into receiving the body: what the client is
 * to know of it, since neither the service nor its load is to blame.
 */
function slowUpload(exchange: Exchange): string | undefined {
  const { arrivedAtMs, receivedAtMs, deadlineAtMs, surroundings } = exchange
  const allowedMs = deadlineAtMs - arrivedAtMs
  // One that still comes has taken until now.
  const tookMs = (exchange.isReceiving ? surroundings.now() : receivedAtMs) - arrivedAtMs
  if (!exchange.hasBody || tookMs < allowedMs / 2) return undefined
  const [took, allowed] = [tookMs, allowedMs].map((ms) => `${Math.round(ms)} ms`)
  const left = tookMs < allowedMs ? "too little was left to do the work" : "it was not begun"
  return `The upload was slow: the body took ${took} to arrive, the deadline is ${allowed} after the request's beginning, and ${left}. Send it faster, or less of it.`
}

/**
 * 503, with the time after which another try makes sense; not at once where there are too many
 * (refusal-pace.ts), but before the deadline, since whoever set it does not wait for longer.
 */
export function sendShedInTurn(exchange: Exchange, shed: Shed): void {
  const { refusalPace, now } = exchange.surroundings
  exchange.shedReason = shed.reason
  const nowMs = now()
  const holdMs = Math.min(refusalPace.holdMs(exchange.peer, nowMs), exchange.deadlineAtMs - nowMs)
  if (holdMs <= 0) {
    sendShed(exchange, shed)
    return
  }
  const timer = setTimeout(() => sendShed(exchange, shed), holdMs)
  exchange.reply.raw.on("close", () => clearTimeout(timer))
}

/** The same at once, to be done with a body that still comes in. */
export function sendShed(exchange: Exchange, shed: Shed): void {
  exchange.shedReason = shed.reason
  const retryAfterSeconds = Math.max(1, Math.ceil(shed.retryAfterMs / 1000))
  const slow = shed.reason === "deadline" ? slowUpload(exchange) : undefined
  send(
    exchange,
    503,
    "shed",
    { "content-type": problemMediaType, "retry-after": String(retryAfterSeconds) },
    slow === undefined ? shedBodies[shed.reason] : bodyOf(503, slow),
  )
}

export function sendExpired(exchange: Exchange): void {
  const slow = slowUpload(exchange)
  const body = slow === undefined ? expiredBody : bodyOf(504, slow)
  send(exchange, 504, "expired", { "content-type": problemMediaType }, body)
}

/**
 * 422: what the input costs can't be done by its deadline, so no other try of it can succeed. The
 * client may have brought the deadline forward; then it is told how much there would be without that.
 */
export function sendTooCostly(exchange: Exchange, operation: Operation, outcome: TooCostly): void {
  sendProblem(exchange, tooCostly(exchange, operation, outcome).details, "bad-request")
}

type TooCostly = Extract<Outcome, { kind: "too-costly" }>

function tooCostly(
  exchange: Exchange,
  operation: Operation,
  { costMs, timeAllowedMs }: TooCostly,
): Problem {
  const ownMs = operation.deadlineMs ?? exchange.surroundings.settings.deadlineMs
  const takes = `This would take ${Math.ceil(costMs)} ms of CPU time on one core, and its deadline is`
  const error =
    timeAllowedMs < ownMs
      ? {
          path: ["headers", deadlineHeader],
          message: `${takes} ${timeAllowedMs} ms by the header ${deadlineHeader} and ${ownMs} ms without it. ${costMs <= ownMs ? "Allow more time, or ask" : "Ask"} for less work.`,
        }
      : { path: [], message: `${takes} ${ownMs} ms. Ask for less work.` }
  return problem(
    422,
    "The request asks for more work than can be done by its deadline, however idle the server; see `errors`.",
    { errors: [{ ...error, code: "over_deadline" }] },
  )
}

/** How a call ends badly that has waited or begun. */
export type StreamFailure = Exclude<Outcome, { kind: "done" | "cancelled" }>

/** What a client that already gets a stream is told of a failure: a problem document. */
export function failureOf(
  exchange: Exchange,
  operation: Operation,
  outcome: StreamFailure,
): JsonText {
  const { requestId } = exchange
  switch (outcome.kind) {
    case "problem":
    case "invalid":
      return outcome.problem.json
    case "too-costly":
      return JSON.stringify(tooCostly(exchange, operation, outcome))
    case "expired":
      return bodyOf(504, slowUpload(exchange) ?? expiredDetail)
    case "shed":
      return shedBodies[outcome.reason]
    case "error":
    case "crashed":
      return JSON.stringify(problem(500, undefined, { requestId }))
    default:
      return outcome satisfies never
  }
}

function bodyOf(status: number, detail: string | undefined): string {
  return JSON.stringify(problem(status, detail))
}
