/**
 * Requests that node:http could not read, or would wait for no longer: 400, 408, 413 and 431. No
 * response object exists for them, or it is of no use any more, so the answer is written to the
 * socket: when those in front of them are answered, and if none has begun there.
 *
 * What comes behind a whole request that is still to be answered is not answered itself: nobody waits
 * for it, and whoever reads answers one by one would take it for that of a later request.
 */
import type { Socket } from "node:net"
import { randomUUID } from "../../core/http/builtin.ts"
import { corsHeaders } from "../../core/http/cors.ts"
import { endInPeace } from "../../core/http/linger.ts"
import { type Unreadable, unreadable } from "../../core/http/unreadable.ts"
import type { Surroundings } from "./errand.ts"
import { writeProblem } from "./problem.ts"

export function answerClientError(
  surroundings: Surroundings,
  error: NodeJS.ErrnoException,
  socket: Socket,
): void {
  const refusal = unreadable(error)
  const { pipelines, options } = surroundings
  const say = (): void => refuse(surroundings, socket, refusal)
  if (refusal?.status === 408) pipelines.late(socket, "headers", options.headersTimeoutMs, say)
  else say()
}

/** A proxy's way of asking for a tunnel to anywhere; this is no such proxy. */
export function answerConnect(surroundings: Surroundings, socket: Socket): void {
  // node:http has let go of the connection, and an error that nobody hears ends the process.
  socket.on("error", () => socket.destroy())
  const detail = "CONNECT is for proxies, and this is a service."
  refuse(surroundings, socket, { status: 405, detail })
}

/** `undefined`: nobody is there to be told. */
function refuse(
  { newest, pipelines, options }: Surroundings,
  socket: Socket,
  refusal: Unreadable | undefined,
): void {
  // What follows what was refused already.
  if (socket.writableEnded) return
  if (refusal === undefined || !socket.writable) {
    socket.destroy()
    return
  }
  let isBehind = false
  pipelines.atLast(socket, () => {
    const last = newest.get(socket)
    const current = last?.isAnswered ? undefined : last
    if (current !== undefined && !current.isReceiving) {
      isBehind = true
      return false
    }
    if (isBehind) {
      endInPeace(socket)
      return true
    }
    if (current?.hasBegunToAnswer) {
      socket.destroy()
      return true
    }
    current?.cutOff()
    const requestId = current?.requestId.id ?? randomUUID()
    const cors = corsHeaders(options.corsOrigins, current?.request.headers)
    writeProblem(socket, { ...refusal, requestId }, cors)
    return true
  })
}
