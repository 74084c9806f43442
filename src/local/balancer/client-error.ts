/**
 * Requests that node:http could not read, or would wait for no longer: 400, 408, 413 and 431. No
 * response object exists for them, or it is of no use any more, so the answer is written to the
 * socket, if none has begun there.
 */
import type { Socket } from "node:net"
import { randomUUID } from "./builtin.ts"
import type { Surroundings } from "./errand.ts"
import { writeProblem } from "./problem.ts"

export function answerClientError(
  surroundings: Surroundings,
  error: NodeJS.ErrnoException,
  socket: Socket,
): void {
  refuse(surroundings, socket, hasLeft(error) ? undefined : describe(error))
}

/** A proxy's way of asking for a tunnel to anywhere; this is no such proxy. */
export function answerConnect(surroundings: Surroundings, socket: Socket): void {
  // node:http has let go of the connection, and an error that nobody hears ends the process.
  socket.on("error", () => socket.destroy())
  const detail = "CONNECT is for proxies, and this is a service."
  refuse(surroundings, socket, { status: 405, detail })
}

interface Refusal {
  readonly status: number
  readonly detail: string
}

/** `undefined`: nobody is there to be told. */
function refuse({ newest }: Surroundings, socket: Socket, refusal: Refusal | undefined): void {
  // What follows what was refused already.
  if (socket.writableEnded) return
  const last = newest.get(socket)
  // What is refused came behind one that has been answered.
  const current = last?.isAnswered ? undefined : last
  if (refusal === undefined || !socket.writable || current?.hasBegunToAnswer) {
    socket.destroy()
    return
  }
  current?.cutOff()
  writeProblem(socket, { ...refusal, requestId: current?.requestId.id ?? randomUUID() })
}

/** A connection that ends, one way or the other, in the middle of a request. */
function hasLeft({ code }: NodeJS.ErrnoException): boolean {
  return code === "ECONNRESET" || code === "HPE_INVALID_EOF_STATE"
}

function describe({ code }: NodeJS.ErrnoException): Refusal {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return { status: 408, detail: "The request took too long to arrive." }
    case "HPE_HEADER_OVERFLOW":
      return { status: 431, detail: "The headers, request line included, are too large." }
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return { status: 413, detail: "The chunk extensions of the body are too large." }
    default:
      return { status: 400, detail: "This is not an HTTP request that can be read." }
  }
}
