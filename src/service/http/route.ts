/**
 * One operation as a route: admission before the body is read, then its input, then the work, then
 * the answer. What it takes to decide about a request is worked out when the server starts.
 */
import type { IncomingHttpHeaders } from "node:http"
import type { FastifyReply, FastifyRequest, RouteOptions } from "fastify"
import type { Binary, FileFields, Form } from "../body.ts"
import { bodyBytesMaxOf } from "../input/place.ts"
import { crossing } from "../input/received.ts"
import type { Operation, RawInput } from "../operation.ts"
import type { Call, Encoding, Outcome, Reply, Ticket } from "../outcome.ts"
import { routerPath } from "../path.ts"
import { problem } from "../problem.ts"
import { isSchema } from "../schema.ts"
import type { ResolvedSettings } from "../settings.ts"
import { timeAllowedMs } from "./deadline.ts"
import type { Exchange } from "./exchange.ts"
import { runInline } from "./inline.ts"
import { type Intake, intakeOf } from "./input.ts"
import { type AcceptedTypes, acceptedTypes, isAcceptedType } from "./media-type.ts"
import { chooseEncoding, mediaTypeChooser } from "./negotiate.ts"
import { NoRoom, tooLarge } from "./read-body.ts"
import { sendExpired, sendShed, sendShedInTurn, sendTooCostly } from "./refusals.ts"
import { send, sendBug, sendThrown, sendWritten } from "./send.ts"
import { ItemStream, isFailure, isOver, streamMediaTypes, streamNumbering } from "./stream.ts"

interface Endpoint {
  readonly name: string
  readonly operation: Operation
  readonly deadlineMs: number
  readonly bodyBytesMax: number
  /** Of the request. None when a body is ignored. */
  readonly acceptedTypes: AcceptedTypes | undefined
  /** Of the answer. Empty when there is none. */
  readonly offeredTypes: readonly string[]
  readonly chooseType: (accept: string | undefined) => string | undefined
  /** The number of a stream's first event, by the request's headers. */
  readonly numberedFrom: (headers: IncomingHttpHeaders) => number
  readonly intake: Intake
}

/** @throws {Error} when a schema of the operation can't be used. */
export function operationRoute(
  name: string,
  operation: Operation,
  settings: ResolvedSettings,
): RouteOptions {
  const bodyBytesMax = bodyBytesMaxOf(operation, settings)
  const offeredTypes = offered(operation)
  const endpoint: Endpoint = {
    name,
    operation,
    deadlineMs: operation.deadlineMs ?? settings.deadlineMs,
    bodyBytesMax,
    acceptedTypes: operation.body && acceptedTypes(operation.body),
    offeredTypes,
    chooseType: mediaTypeChooser(offeredTypes),
    intake: intakeOf(name, operation, bodyBytesMax),
    numberedFrom: streamNumbering(name, operation),
  }
  return {
    method: operation.method,
    url: routerPath(operation.segments),
    onRequest: (request: FastifyRequest, _reply: FastifyReply, done: () => void) => {
      if (admit(endpoint, request.exchange)) done()
    },
    handler: (request) => {
      const { exchange } = request
      serve(endpoint, exchange).catch((thrown: unknown) => {
        if (thrown instanceof NoRoom) sendShed(exchange, thrown.shed)
        else sendThrown(exchange, thrown)
      })
    },
  }
}

/** The media types that an operation can answer with. */
function offered({ output, streams }: Operation): readonly string[] {
  if (output === undefined) return []
  if (streams) return streamMediaTypes
  return isSchema(output) ? ["application/json"] : output.mediaTypes
}

/**
 * Everything that the headers alone can tell. What can't be answered anyway is not offered work, so
 * admission comes last.
 * @returns false when the request has been refused
 */
function admit(endpoint: Endpoint, exchange: Exchange): boolean {
  const { name, operation } = endpoint
  exchange.operationName = name
  try {
    checkHeaders(endpoint, exchange)
  } catch (thrown) {
    sendThrown(exchange, thrown)
    return false
  }
  const { headers } = exchange.request
  if (operation.streams && isOver(endpoint.chooseType(headers.accept), headers)) {
    send(exchange, 204, "ok", { vary: "accept" }, undefined)
    return false
  }
  if (operation.thread === "worker") {
    // Weighed, but not held yet: who sends only heads must not take the room of those with bodies.
    const bytes = operation.body === undefined ? 0 : exchange.declaredBytes
    const shed = exchange.surroundings.receiving.makeRoom(exchange, name, bytes, false)
    if (shed !== undefined) {
      sendShedInTurn(exchange, shed)
      return false
    }
    exchange.admittedAs = name
  }
  return true
}

function checkHeaders(endpoint: Endpoint, exchange: Exchange): void {
  const { headers } = exchange.request.raw
  exchange.deadlineAtMs = exchange.arrivedAtMs + timeAllowedMs(headers, endpoint.deadlineMs)
  if (endpoint.offeredTypes.length > 0 && endpoint.chooseType(headers.accept) === undefined) {
    throw problem(406, `The answer is ${endpoint.offeredTypes.join(" or ")}, and nothing else.`)
  }
  if (!exchange.hasBody) return
  if (endpoint.acceptedTypes === undefined) {
    // Fastify would refuse a type that it can't parse, though the body is ignored.
    delete headers["content-type"]
    return
  }
  const { mediaTypes, shown } = endpoint.acceptedTypes
  if (!isAcceptedType(headers["content-type"], endpoint.acceptedTypes)) {
    exchange.reply.raw.setHeader("accept", mediaTypes.join(", "))
    throw problem(415, `The body must be ${shown}, said by its content-type.`)
  }
  const coding = headers["content-encoding"]
  if (coding !== undefined && coding.toLowerCase() !== "identity") {
    exchange.reply.raw.setHeader("accept-encoding", "identity")
    throw problem(415, `The body must be ${shown} as it is, without a content-encoding.`)
  }
  if (exchange.declaredBytes > endpoint.bodyBytesMax) throw tooLarge(endpoint.bodyBytesMax)
}

async function serve(endpoint: Endpoint, exchange: Exchange): Promise<void> {
  const { operation, intake } = endpoint
  const received = await intake.receive(exchange)
  const isReadHere = intake.isReadHere(exchange, received)
  const input = isReadHere ? await intake.read(received) : undefined
  // Whoever left while the input was checked wants nothing any more.
  if (exchange.closed && operation.onDisconnect === "cancel") return
  const isLate = exchange.deadlineAtMs <= exchange.surroundings.now()
  if (exchange.hasBody && isLate && operation.thread === "worker") {
    sendExpired(exchange)
    return
  }
  const encoding = encodingFor(operation, exchange)
  if (operation.thread === "main") {
    const outcome = await runInline(exchange, operation, input as RawInput, encoding)
    answer(exchange, operation, outcome)
    return
  }
  const isRead = input !== undefined && intake.isClonedWell
  const call: Call = {
    name: endpoint.name,
    operation,
    input,
    ...(isRead ? { transfer: transferOf(operation, input) } : crossing(received)),
    requestId: exchange.requestId,
    tryId: exchange.tryId,
    peer: exchange.peer,
    arrivedAtMs: exchange.arrivedAtMs,
    deadlineAtMs: exchange.deadlineAtMs,
    encoding,
  }
  if (operation.streams) await serveStream(endpoint, exchange, call)
  else answer(exchange, operation, await run(exchange, call))
}

const nothingToTransfer: readonly ArrayBuffer[] = []

/** The buffers in a checked input that can be moved to another thread. */
function transferOf({ body: spec }: Operation, { body }: RawInput): readonly ArrayBuffer[] {
  if (spec === undefined || isSchema(spec)) return nothingToTransfer
  if (spec.kind === "bytes") return [(body as Binary).bytes.buffer]
  const { files } = body as Form<undefined, FileFields>
  return Object.values(files).flatMap((file) => (file ? [file.bytes.buffer] : []))
}

function run(exchange: Exchange, call: Call, begun?: (ticket: Ticket) => void): Promise<Outcome> {
  const ticket = exchange.surroundings.compute.run(call)
  exchange.runs(call.operation, () => ticket.cancel())
  begun?.(ticket)
  return ticket.outcome.finally(() => exchange.ran())
}

async function serveStream(endpoint: Endpoint, exchange: Exchange, call: Call): Promise<void> {
  const { headers } = exchange.request
  const mediaType = endpoint.chooseType(headers.accept) as (typeof streamMediaTypes)[number]
  const first = endpoint.numberedFrom(headers)
  const stream = new ItemStream(exchange, mediaType, first)
  const outcome = await run(exchange, { ...call, onItem: stream.push }, (ticket) => {
    stream.pullsFrom(ticket)
  })
  if (exchange.closed) return
  if (outcome.kind === "done") stream.end()
  else if (!stream.hasBegun || !isFailure(outcome)) answer(exchange, call.operation, outcome)
  else stream.fail(call.operation, outcome)
}

function answer(exchange: Exchange, operation: Operation, outcome: Outcome): void {
  switch (outcome.kind) {
    case "done":
      sendReply(exchange, operation, outcome.reply)
      break
    case "problem":
      sendWritten(exchange, outcome.problem, "problem")
      break
    case "invalid":
      sendWritten(exchange, outcome.problem, "bad-request")
      break
    case "error":
      sendBug(exchange, outcome.fault, "error")
      break
    case "crashed":
      sendBug(
        exchange,
        outcome.fault,
        "crashed",
        outcome.how === "out-of-memory" ? tooMuch : undefined,
      )
      break
    case "shed":
      sendShedInTurn(exchange, outcome)
      break
    case "too-costly":
      sendTooCostly(exchange, operation, outcome)
      break
    case "expired":
      sendExpired(exchange)
      break
    case "cancelled":
      // Only a client that left is cancelled; if it is there all the same, it must not wait for ever.
      if (!exchange.closed) exchange.reply.raw.destroy()
      break
    default:
      outcome satisfies never
  }
}

const tooMuch = "The request needed more memory than the service may use for one."

function sendReply(exchange: Exchange, operation: Operation, reply: Reply): void {
  const headers: Record<string, string> = operation.compress ? { vary: "accept-encoding" } : {}
  switch (reply.kind) {
    case "json":
      headers["content-type"] = "application/json"
      send(exchange, 200, "ok", headers, reply.text)
      break
    case "bytes":
      headers["content-type"] = reply.mediaType
      if (reply.encoding !== undefined) headers["content-encoding"] = reply.encoding
      send(exchange, 200, "ok", headers, reply.bytes)
      break
    case "empty":
      send(exchange, 204, "ok", {}, undefined)
      break
    default:
      reply satisfies never
  }
}

function encodingFor(operation: Operation, exchange: Exchange): Encoding | undefined {
  if (!operation.compress || operation.streams) return undefined
  const accepted = exchange.request.headers["accept-encoding"]
  return accepted === undefined ? undefined : chooseEncoding(String(accepted))
}
