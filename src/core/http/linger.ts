/**
 * Closing a connection whose request was refused before it was read to its end.
 *
 * A socket that is closed with unread bytes in it answers with a reset, and a reset can overtake the
 * refusal on its way: the client would see a broken connection instead of the 413 or 503 that says
 * why. So the sending half is closed, and what still comes is read and thrown away until the client
 * has hung up or has had time enough to.
 */
import type { IncomingMessage } from "node:http"
import type { Socket } from "node:net"
import { bodyTurns } from "./body-turns.ts"

/** A refused body of up to this many bytes is read to its end, so that the connection can be kept. */
export const drainBytesMax = 65_536

const lingerMs = 2_000
/** More of a body than that is not read for nothing. */
const thrownAwayBytesMax = 8 * 2 ** 20

/** Reads what still comes of a body for nothing. Who sends on and on is broken off. */
export function throwAway(request: IncomingMessage): void {
  let left = thrownAwayBytesMax
  request.on("data", ({ length }: Buffer) => {
    bodyTurns.took(request, length)
    left -= length
    if (left < 0) request.socket.destroy()
  })
  request.resume()
}

/** Makes node:http linger when it comes to close `socket`. It must be reading on by then. */
export function lingerWhenClosed(socket: Socket): void {
  socket.destroySoon = () => {
    if (socket.destroyed) return
    socket.end()
    // After a stall of this process, what came meanwhile is read first: else it would be a reset.
    const timer = setTimeout(() => setImmediate(() => socket.destroy()), lingerMs)
    socket.once("close", () => clearTimeout(timer))
  }
}

/** Closes a connection of which nothing more is read or said, once all that was said has left. */
export function endInPeace(socket: Socket): void {
  lingerWhenClosed(socket)
  socket.destroySoon()
}
