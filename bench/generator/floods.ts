/**
 * What clients do by the hundred to take a server's time, memory and connections, without anything
 * that could be refused at once. The benches and the attacks of `test/attack` send the same.
 */
import { connect, type Socket } from "node:net"

/** What to send it to, on the server that is flooded. */
export interface FloodTarget {
  /** A path that answers GET at once, with some bytes. */
  readonly quick: string
  /** A path that answers GET at once, with so much that a socket does not hold all of it. */
  readonly long: string
  /** A path that takes JSON by POST. */
  readonly post: string
  /** A request, as it is sent, whose answer has to be computed. */
  readonly call: string
}

export interface Flood {
  readonly name: string
  readonly connections: number
  /** Called with each connection when it is there. What it returns is done on it again and again, at even times. */
  readonly begin: (socket: Socket, target: FloodTarget) => (() => void) | undefined
}

/** Before another connection is opened instead of one that has ended: each is at most so many a second. */
const againMs = 20

/** Where a flood goes, and from where. */
export interface FloodedAt {
  readonly port: number
  /** From which it comes: of this machine, and another than that of others. */
  readonly address: string
  readonly target: FloodTarget
}

/** A flood that goes on: for each connection that ends it opens another one. */
export class RunningFlood implements Disposable {
  readonly #begin: Flood["begin"]
  readonly #at: FloodedAt
  readonly #turns = new Map<Socket, (() => void) | undefined>()
  readonly #opening = new Set<NodeJS.Timeout>()

  constructor({ begin }: Pick<Flood, "begin">, connections: number, at: FloodedAt) {
    this.#begin = begin
    this.#at = at
    for (let n = 0; n < connections; n++) this.#open()
  }

  #open(): void {
    const { port, address, target } = this.#at
    const socket = connect({ port, host: "127.0.0.1", localAddress: address }, () => {
      this.#turns.set(socket, this.#begin(socket, target))
    })
    this.#turns.set(socket, undefined)
    socket.on("error", () => {})
    socket.on("close", () => {
      if (!this.#turns.delete(socket)) return
      const timer = setTimeout(() => {
        this.#opening.delete(timer)
        this.#open()
      }, againMs)
      this.#opening.add(timer)
    })
  }

  /** Does on each connection what is done again and again. */
  turn(): void {
    for (const turn of this.#turns.values()) turn?.()
  }

  [Symbol.dispose](): void {
    for (const timer of this.#opening) clearTimeout(timer)
    const sockets = [...this.#turns.keys()]
    this.#turns.clear()
    for (const socket of sockets) socket.destroy()
  }
}

export const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`
export const postTo = (path: string, ...lines: string[]): string =>
  [`POST ${path} HTTP/1.1`, "Host: x", "Content-Type: application/json", ...lines, "", ""].join(
    "\r\n",
  )

type Text = (target: FloodTarget) => string

/** Says it once, and takes whatever it is answered. */
const says =
  (text: Text): Flood["begin"] =>
  (socket, target) => {
    socket.resume().write(text(target))
    return undefined
  }
/** Says it again as soon as it has been taken. */
const keepsSaying =
  (text: Text, begin: Text = () => ""): Flood["begin"] =>
  (socket, target) => {
    const again = text(target)
    socket.on("drain", () => void socket.write(again))
    socket.resume().write(begin(target) + again)
    return undefined
  }
/** Takes nothing of what it is answered. */
const saysDeaf =
  (text: Text): Flood["begin"] =>
  (socket, target) => {
    socket.pause().write(text(target))
    return undefined
  }
/** Says a beginning, and another piece each time. */
const trickles =
  (begin: Text, piece: string): Flood["begin"] =>
  (socket, target) => {
    socket.resume().write(begin(target))
    return () => void socket.write(piece)
  }
/** Asks again as soon as it is answered. */
const neverPauses: Flood["begin"] = (socket, { call }) => {
  socket.on("data", () => void socket.write(call)).write(call)
  return undefined
}

export const floods = [
  {
    name: "pings sent ahead",
    connections: 50,
    begin: keepsSaying(({ quick }) => get(quick).repeat(1900)),
  },
  {
    name: "pings sent ahead and unread",
    connections: 4,
    begin: saysDeaf(({ quick }) => get(quick).repeat(20_000)),
  },
  {
    name: "long answers unread",
    connections: 150,
    begin: saysDeaf(({ long }) => get(long).repeat(50)),
  },
  {
    name: "chunks of a byte",
    connections: 8,
    begin: keepsSaying(
      () => "1\r\n \r\n".repeat(30_000),
      ({ post }) => postTo(post, "Transfer-Encoding: chunked"),
    ),
  },
  {
    name: "half of a body",
    connections: 200,
    begin: says(({ post }) => postTo(post, "Content-Length: 1000000") + " ".repeat(200_000)),
  },
  {
    name: "bodies that are refused",
    connections: 8,
    begin: keepsSaying(
      () => "a".repeat(2_000_000),
      ({ post }) => postTo(post, "Content-Length: 99999999999"),
    ),
  },
  {
    name: "bodies by the byte",
    connections: 200,
    begin: trickles(({ post }) => postTo(post, "Content-Length: 1000"), " "),
  },
  {
    name: "heads by the byte",
    connections: 300,
    begin: trickles(({ quick }) => `GET ${quick} HTTP/1.1\r\nX: `, "y"),
  },
  {
    name: "headers one by one",
    connections: 300,
    begin: trickles(({ quick }) => `GET ${quick} HTTP/1.1\r\n`, "X: y\r\n"),
  },
  { name: "nothing at all", connections: 500, begin: () => undefined },
  {
    name: "waiting for 100 Continue",
    connections: 200,
    begin: says(({ post }) => postTo(post, "Content-Length: 1000", "Expect: 100-continue")),
  },
  {
    name: "leaving at once",
    connections: 300,
    begin: (socket, { quick }) => {
      socket.write(get(quick), () => socket.resetAndDestroy())
      return undefined
    },
  },
  { name: "calls that never pause", connections: 300, begin: neverPauses },
] as const satisfies readonly Flood[]
