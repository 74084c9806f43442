/**
 * What became of a request whose connection broke before a byte of the answer came.
 *
 * Only what a replica never saw may be given to another one; a method's being idempotent does not
 * count, since work that was begun twice costs twice. "The connection broke" alone says nothing, but
 * how it broke does:
 *
 * - The connection was never made: nothing was sent.
 * - It was reset. A system resets a connection when the process that holds it ends, or closes it,
 *   with bytes in it that were not read (RFC 2525, section 2.17; RFC 1122, section 4.2.2.13). A
 *   request that left in one piece is read in one piece: it was not read. That is how a replica ends
 *   that was killed while its request was on its way.
 * - It was closed in good order. Either the request had been read, and whoever read it has ended; or
 *   the connection had been closed before the request got there, the old race of kept-alive
 *   connections. In that case the other system has answered the request with a reset, and nothing
 *   more can be written ({@link wasClosedBefore}).
 *
 * Where a system does it otherwise, less is retried, never more.
 */
import type { Socket } from "node:net"

export type Fate =
  /** Another replica may have it. */
  | "not-taken"
  /** The socket knows: {@link wasClosedBefore}. */
  | "unsure"
  /** It was read, or may have been. */
  | "lost"

/**
 * @param inOnePiece the request left in a single write, body included, is no longer than what a socket
 *   reads at once, and nothing has been heard of it since.
 */
export function fateOf(error: NodeJS.ErrnoException, inOnePiece: boolean): Fate {
  if (error.syscall === "connect" || error.syscall === "getaddrinfo") return "not-taken"
  if (!inOnePiece) return "lost"
  switch (error.code) {
    case "EPIPE":
      return "not-taken"
    case "ECONNRESET":
      // Without a system call it is the other side's end of the connection: connection.ts.
      return error.syscall === undefined ? "unsure" : "not-taken"
    default:
      return "lost"
  }
}

/**
 * Whether a socket that the other side has ended was reset as well, as an answer to what was written
 * to it: one more write finds out. What is written is an empty line, which every HTTP server skips
 * (RFC 9112, section 2.2), should one still be reading.
 *
 * It must be asked while `error` events are sent, before anyone destroys the socket.
 */
export function wasClosedBefore(
  socket: Socket | undefined,
  answer: (closedBefore: boolean) => void,
): void {
  if (socket === undefined || socket.destroyed) answer(false)
  else socket.write("\r\n", (error) => answer((error as NodeJS.ErrnoException)?.code === "EPIPE"))
}
