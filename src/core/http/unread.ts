/**
 * Answers that clients have yet to take.
 *
 * Each is held in memory until the operating system has taken all of it, and that is as slow as its
 * client reads. So a client that takes nothing for long is cut off, and of all answers together so many
 * bytes are held at the most. Beyond that the newest answer is let in at the expense of a peer that
 * has more than its share: whoever has taken nothing for longest is cut off, and of those who do read,
 * who has the most before them. A client that reads slowly but steadily is served, and what is alone
 * may be of any size.
 */
import type { ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { addressOf, peerOf } from "./peer.ts"

/** What the operating system takes at once, whether or not the client reads. */
export const takenAtOnceBytes = 16_384

const lookMs = 500
/** Whoever has taken something in so many looks reads, however slowly: networks take in gulps. */
const readingLooks = 4
/** To find out who goes means to look at all. So of many, more go at once than would have to. */
const readersMany = 256
const freedShare = 1 / 8

interface Reader {
  readonly socket: Socket
  readonly peer: string
  /** Held of all answers on this connection. */
  bytes: number
  /** What the system had taken in all when it was last looked at. */
  takenBytes: number
  /** Since it has taken something. */
  looks: number
  readonly left: () => void
}

export interface UnreadOptions {
  readonly bytesMax: number
  /** For so long a client may take nothing, in milliseconds. */
  readonly stallMs: number
  /** Called whenever somebody has to go for others. */
  readonly full: () => void
}

/** What is held of one answer. */
export interface Holding {
  grow(bytes: number): void
  /** It has been taken. */
  lift(): void
}

export class Unread {
  readonly #options: UnreadOptions
  readonly #readers = new Map<Socket, Reader>()
  #bytes = 0
  #timer: NodeJS.Timeout | undefined

  constructor(options: UnreadOptions) {
    this.#options = options
  }

  /** Holds bytes of an answer until all of it is taken, it is lifted, or the connection is gone. */
  hold(response: ServerResponse, bytes: number): Holding {
    const reader = this.#of(response.req.socket)
    let held = 0
    const grow = (bytes: number): void => {
      held += bytes
      this.#add(reader, bytes)
      if (this.#bytes > this.#options.bytesMax) this.#makeRoom(reader)
    }
    const unlimit = breakWhenStalled(response, this.#options.stallMs)
    const lift = (): void => {
      response.off("finish", lift)
      unlimit()
      this.#add(reader, -held)
      held = 0
      if (reader.bytes <= 0) this.#forget(reader)
    }
    response.prependListener("finish", lift)
    grow(bytes)
    return { grow, lift }
  }

  #of(socket: Socket): Reader {
    const known = this.#readers.get(socket)
    if (known !== undefined) return known
    const reader: Reader = {
      socket,
      peer: peerOf(addressOf(socket)),
      bytes: 0,
      takenBytes: takenOf(socket),
      looks: 0,
      left: () => this.#forget(reader),
    }
    this.#readers.set(socket, reader)
    socket.once("close", reader.left)
    this.#timer ??= setInterval(() => this.#look(), lookMs)
    return reader
  }

  /** Nothing of one that is forgotten counts. */
  #add(reader: Reader, bytes: number): void {
    if (this.#readers.get(reader.socket) !== reader) return
    reader.bytes += bytes
    this.#bytes += bytes
  }

  #forget(reader: Reader): void {
    this.#add(reader, -reader.bytes)
    reader.socket.off("close", reader.left)
    if (this.#readers.get(reader.socket) === reader) this.#readers.delete(reader.socket)
    if (this.#readers.size > 0) return
    clearInterval(this.#timer)
    this.#timer = undefined
  }

  #look(): void {
    for (const reader of this.#readers.values()) {
      reader.looks += 1
      lookAgain(reader)
    }
  }

  #makeRoom(newest: Reader): void {
    const { bytesMax, full } = this.#options
    const byPeer = new Map<string, number>()
    for (const { peer, bytes } of this.#readers.values()) {
      byPeer.set(peer, (byPeer.get(peer) ?? 0) + bytes)
    }
    const share = bytesMax / byPeer.size
    const enough = this.#readers.size < readersMany ? bytesMax : bytesMax * (1 - freedShare)
    const going = [...this.#readers.values()]
      .filter((reader) => reader !== newest && byPeer.get(reader.peer)! >= share)
      .map((reader) => ({ reader, silence: silenceOf(reader), unread: unreadOf(reader.socket) }))
      .toSorted((a, b) => b.silence - a.silence || b.unread - a.unread)
    for (const { reader } of going) {
      if (this.#bytes <= enough) break
      this.#forget(reader)
      reader.socket.destroy()
      full()
    }
  }
}

/** Looks for which it has taken nothing; 0 when it reads. */
function silenceOf(reader: Reader): number {
  lookAgain(reader)
  return reader.looks < readingLooks ? 0 : reader.looks
}

function lookAgain(reader: Reader): void {
  const taken = takenOf(reader.socket)
  if (taken !== reader.takenBytes) reader.looks = 0
  reader.takenBytes = taken
}

/**
 * What node:net knows of a large write before all of it is taken. It is not documented; without it a
 * client is seen to read when it has taken a whole write.
 */
function queueOf(socket: Socket): { bytesWritten: number; writeQueueSize: number } | undefined {
  const { _handle: handle } = socket as unknown as {
    _handle?: { bytesWritten?: number; writeQueueSize?: number } | null
  }
  const { bytesWritten, writeQueueSize } = handle ?? {}
  if (bytesWritten === undefined || writeQueueSize === undefined) return undefined
  return { bytesWritten, writeQueueSize }
}

function takenOf(socket: Socket): number {
  const queue = queueOf(socket)
  return queue === undefined
    ? socket.bytesWritten - socket.writableLength
    : queue.bytesWritten - queue.writeQueueSize
}

function unreadOf(socket: Socket): number {
  return socket.bytesWritten - takenOf(socket)
}

/**
 * Breaks the connection when the client takes nothing of its answer for `ms`. It holds until all of it
 * was taken, from when the socket is this answer's (another one may be in front of it).
 * @returns what lifts it before that.
 */
function breakWhenStalled(response: ServerResponse, ms: number): () => void {
  const limit = (): void => {
    response.socket?.setTimeout(ms)
  }
  if (response.socket === null) response.once("socket", limit)
  else limit()
  return () => {
    response.off("socket", limit)
    response.socket?.setTimeout(0)
  }
}
