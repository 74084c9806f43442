/**
 * Ending a request whose body is not wanted any more.
 *
 * A socket that is closed with unread bytes in it answers with a reset, and a reset can overtake the
 * answer that says why. So the sending half is closed, and what still comes is read and thrown away
 * until the client has hung up or has had time enough to. The service does the same.
 */
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"

/** A body of up to this many bytes is read to its end, so that the connection can be kept. */
const drainBytesMax = 65_536

const lingerMs = 2000

/**
 * Throws away what is left of the body. A client that expects `100 Continue` may never send it.
 * @returns whether the connection has to end for it.
 */
export function giveUpBody(request: IncomingMessage): boolean {
  if (request.complete) return false
  const { "content-length": length, expect } = request.headers
  request.unpipe()
  request.resume()
  if (expect === undefined && Number(length ?? Number.POSITIVE_INFINITY) <= drainBytesMax) {
    return false
  }
  lingerWhenClosed(request.socket)
  return true
}

/** Makes node:http linger when it comes to close `socket`. It must be reading on by then. */
export function lingerWhenClosed(socket: Socket): void {
  socket.destroySoon = () => {
    if (socket.destroyed) return
    socket.end()
    const timer = setTimeout(() => socket.destroy(), lingerMs)
    socket.once("close", () => clearTimeout(timer))
  }
}
