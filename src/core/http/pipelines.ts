/**
 * Requests that a client sends without waiting for the answers to those before them (pipelining).
 *
 * Each takes memory and begins work, and how many there are is the client's to say: node:http stops
 * reading a connection on which answers pile up, and not one on which requests do. So of each
 * connection a few are under way at a time. The rest waits in its order, and while any does, the
 * connection is not read. That is no error: the client's writes come to a halt, as they do with a
 * server that answers one after another, and go on as answers leave.
 *
 * Nor does a turn of the event loop begin more of them than a few, over all connections: those that are
 * answered at once would else be answered one behind the other, thousands of them, while everybody
 * waits. A request that is alone on its connection is not held up by that.
 *
 * node:http can't be stopped within what it has read at once, 64 KiB, so that many bytes of requests
 * may wait. They cost what node:http makes of them, and nothing of ours; and of all connections
 * together so many at the most, beyond which whoever has sent more than a few ahead is cut off.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import type { Peers } from "./peers.ts"
import { turn } from "./turn.ts"
import { ambiguity } from "./unreadable.ts"

/** Requests of one connection that are under way: more than a client in good faith has open. */
const underWayMax = 16
/** Requests that wait, of all connections: node:http makes a few kilobytes of each. */
const waitingMax = 10_000
/** So many that wait of one connection are a flood: nobody else's are read in the same turn. */
const floodMin = 256

type Listener = (request: IncomingMessage, response: ServerResponse) => void

interface Pipeline {
  readonly socket: Socket
  underWay: number
  /** In the order of their arrival. */
  readonly waiting: (readonly [IncomingMessage, ServerResponse])[]
  /** It goes on when it is its turn. */
  isInLine: boolean
  /** Lets node:http read on; there while it was told to stop before the next request. */
  readOn: (() => void) | undefined
  /** It has stopped. */
  isStopped: boolean
  /** What comes behind its newest request may be part of that. */
  isAmbiguous: boolean
  /** Says the last word. */
  last: (() => boolean) | undefined
}

export class Pipelines {
  readonly #begin: Listener
  readonly #peers: Pick<Peers, "busy" | "idle"> | undefined
  readonly #open = new Set<Socket>()
  readonly #bySocket = new WeakMap<Socket, Pipeline>()

  /**
   * @param begin is given each request when it is its turn.
   * @param peers are told which connections have requests under way.
   */
  constructor(begin: Listener, peers?: Pick<Peers, "busy" | "idle">) {
    this.#begin = begin
    this.#peers = peers
  }

  /** For the server's `connection`, if there are other servers that must be read meanwhile. */
  readonly connected = (socket: Socket): void => {
    this.#open.add(socket)
    socket.once("close", () => this.#open.delete(socket))
  }

  /** For node:http's `request`, `checkContinue` and `checkExpectation`. */
  readonly arrived: Listener = (request, response) => {
    const pipeline = this.#of(request.socket)
    const { waiting, socket } = pipeline
    if (pipeline.isAmbiguous) return
    pipeline.isAmbiguous = ambiguity(request) !== undefined
    const isAlone = pipeline.underWay === 0 && waiting.length === 0
    if (isAlone || (waiting.length === 0 && this.#mayStart(pipeline))) {
      this.#start(pipeline, request, response)
      return
    }
    // It has been cut off in the midst of what came at once.
    if (socket.destroyed) return
    if (turn.waiting >= waitingMax && waiting.length >= underWayMax) {
      socket.destroy()
      return
    }
    waiting.push([request, response])
    turn.waiting += 1
    if (waiting.length % floodMin === 0) this.#holdOthers(socket)
    pipeline.isStopped = true
    pipeline.readOn ??= stopReading(socket, response)
  }

  /** Whether requests of that connection have not had their turn yet. */
  hasWaiting(socket: Socket): boolean {
    return (this.#bySocket.get(socket)?.waiting.length ?? 0) > 0
  }

  /** Whether it is our doing that the rest of a request has not come. */
  isStopped(socket: Socket): boolean {
    return this.#bySocket.get(socket)?.isStopped ?? false
  }

  /**
   * Has the last word on a connection of which nothing can be read any more. The first one to ask for
   * that gets it.
   * @param say is called when all but the newest request are answered, and if it says false, again
   * when that one is.
   */
  atLast(socket: Socket, say: () => boolean): void {
    const pipeline = this.#of(socket)
    if (pipeline.last !== undefined) return
    // The rest of it will not come.
    if (pipeline.waiting.at(-1)?.[0].complete === false) this.#forget(pipeline, -1)
    pipeline.last = say
    this.#endWhenDone(pipeline)
  }

  #of(socket: Socket): Pipeline {
    const known = this.#bySocket.get(socket)
    if (known !== undefined) return known
    const pipeline: Pipeline = {
      socket,
      underWay: 0,
      waiting: [],
      isInLine: false,
      readOn: undefined,
      isStopped: false,
      isAmbiguous: false,
      last: undefined,
    }
    this.#bySocket.set(socket, pipeline)
    socket.once("close", () => this.#forget(pipeline, 0))
    return pipeline
  }

  /** Whether one that is not alone may begin; else it waits for its turn, or for who leaves. */
  #mayStart(pipeline: Pipeline): boolean {
    if (pipeline.underWay >= underWayMax || pipeline.isInLine) return false
    if (turn.begin()) return true
    this.#standInLine(pipeline)
    return false
  }

  /** One request a place in the line, so that all connections have theirs. */
  #standInLine(pipeline: Pipeline): void {
    pipeline.isInLine = true
    turn.standInLine(() => {
      pipeline.isInLine = false
      const { socket, waiting, underWay } = pipeline
      if (socket.writable && underWay < underWayMax && waiting.length > 0) {
        this.#startNext(pipeline)
      }
      this.#goOn(pipeline)
    })
  }

  #startNext(pipeline: Pipeline): void {
    turn.waiting -= 1
    this.#start(pipeline, ...pipeline.waiting.shift()!)
  }

  #start(pipeline: Pipeline, request: IncomingMessage, response: ServerResponse): void {
    pipeline.underWay += 1
    if (pipeline.underWay === 1) this.#peers?.busy(pipeline.socket)
    if (pipeline.underWay === underWayMax) {
      pipeline.readOn ??= stopReading(pipeline.socket, response)
    }
    response.on("close", () => this.#left(pipeline))
    this.#begin(request, response)
  }

  #left(pipeline: Pipeline): void {
    pipeline.underWay -= 1
    this.#goOn(pipeline)
    if (pipeline.underWay === 0 && pipeline.waiting.length === 0) {
      this.#peers?.idle(pipeline.socket)
    }
    this.#endWhenDone(pipeline)
  }

  #goOn(pipeline: Pipeline): void {
    const { socket, waiting } = pipeline
    // What is behind a goodbye is not answered, nor is a client that has left.
    while (socket.writable && waiting.length > 0 && this.#mayStart(pipeline)) {
      this.#startNext(pipeline)
    }
    if (!socket.writable || waiting.length > 0 || pipeline.underWay === underWayMax) return
    pipeline.isStopped = false
    pipeline.readOn?.()
    pipeline.readOn = undefined
  }

  /** Has nothing read of other connections until the next turn, if they were about to be. */
  #holdOthers(flooding: Socket): void {
    const held = [...this.#open].filter(
      (socket) => socket !== flooding && socket.readableFlowing === true,
    )
    for (const socket of held) socket.pause()
    setImmediate(() => {
      for (const socket of held) socket.resume()
    })
  }

  /** Those that wait from there on: they will have no turn. */
  #forget({ waiting }: Pipeline, from: number): void {
    turn.waiting -= waiting.splice(from).length
  }

  #endWhenDone(pipeline: Pipeline): void {
    const { last, underWay, waiting } = pipeline
    if (last === undefined || waiting.length > 0 || underWay > 1) return
    if (last()) pipeline.last = said
  }
}

/** Of a connection that has had the last word. */
const said = (): boolean => true

/**
 * Has node:http read no further than to the end of what it has at hand when the next request comes.
 * It does so while answers that wait for their turn hold too many bytes, and this is how they tell it
 * of theirs. Nothing of that is documented; where it is not so, only reading is without a bound.
 * @returns what lets it read on.
 */
function stopReading(socket: Socket, response: ServerResponse): () => void {
  const { _onPendingData: hold } = response as ServerResponse & {
    readonly _onPendingData?: (bytes: number) => void
  }
  const bytes = socket.writableHighWaterMark + 1
  hold?.(bytes)
  return () => hold?.(-bytes)
}
