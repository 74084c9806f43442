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
 * waits. A request that is alone on its connection begins as soon as there is time (`turn.ts`).
 *
 * Those that wait are few, too: node:http gets to see the next ones when there is room (`slices.ts`).
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"
import { addressOf, peerOf } from "./peer.ts"
import type { Peers } from "./peers.ts"
import { Slices } from "./slices.ts"
import { turn } from "./turn.ts"
import { takenAtOnceBytes } from "./unread.ts"
import { ambiguity } from "./unreadable.ts"

/** Requests of one connection that are under way: more than a client in good faith has open. */
const underWayMax = 16

type Listener = (request: IncomingMessage, response: ServerResponse) => void

interface Pipeline {
  readonly socket: Socket
  underWay: number
  /** In the order of their arrival. */
  readonly waiting: (readonly [IncomingMessage, ServerResponse])[]
  /** It goes on when it is its turn. */
  isInLine: boolean
  /** So many may begin at its turn. */
  atOnce: number
  /** By its last turn. */
  bytesWritten: number
  readonly slices: Slices
  /** Requests that have arrived. */
  arrivals: number
  /** The last of them, while any is not over. */
  newest: IncomingMessage | undefined
  /** What comes behind its newest request may be part of that. */
  isAmbiguous: boolean
  /** Says the last word. */
  last: (() => boolean) | undefined
}

export class Pipelines {
  readonly #begin: Listener
  readonly #peers: Pick<Peers, "busy" | "idle"> | undefined
  readonly #isForProbes: boolean
  readonly #bySocket = new WeakMap<Socket, Pipeline>()

  /**
   * @param begin is given each request when it is its turn.
   * @param peers are told which connections have requests under way.
   * @param isForProbes what is alone on its connection does not even wait for time, as probes must not.
   */
  constructor(begin: Listener, peers?: Pick<Peers, "busy" | "idle">, isForProbes = false) {
    this.#begin = begin
    this.#peers = peers
    this.#isForProbes = isForProbes
  }

  /** For node:http's `connection`. */
  readonly connected = (socket: Socket): void => {
    this.#of(socket)
  }

  /** For node:http's `request`, `checkContinue` and `checkExpectation`. */
  readonly arrived: Listener = (request, response) => {
    const pipeline = this.#of(request.socket)
    const { waiting } = pipeline
    if (pipeline.isAmbiguous) return
    pipeline.isAmbiguous = ambiguity(request) !== undefined
    pipeline.arrivals += 1
    pipeline.newest = request
    pipeline.slices.arrived(request)
    const isAlone = pipeline.underWay === 0 && waiting.length === 0
    if (isAlone && (this.#isForProbes || turn.hasTime())) {
      this.#start(pipeline, request, response)
      return
    }
    waiting.push([request, response])
    turn.waiting += 1
    turn.read()
    pipeline.slices.hold()
    this.#standInLine(pipeline)
  }

  /** Whether requests of that connection have not had their turn yet. */
  hasWaiting(socket: Socket): boolean {
    return (this.#bySocket.get(socket)?.waiting.length ?? 0) > 0
  }

  /** Whether the client has sent more behind that request, be it that it waits or was not read. */
  hasMoreBehind({ socket, complete, headers }: IncomingMessage): boolean {
    if (this.hasWaiting(socket)) return true
    const { "content-length": length = "0", "transfer-encoding": coding } = headers
    // Else it is the rest of its body.
    const isWhole = complete || (coding === undefined && Number(length) === 0)
    return isWhole && this.#bySocket.get(socket)?.slices.hasRest === true
  }

  /**
   * To be told that node:http waits no longer for the rest of a request, which it says but once. Where it
   * is our doing that no more was read, the client gets its time once we read on.
   * @param rest what has to come: all of the request, or of its headers.
   * @param ms that the client gets.
   * @param say is called if the rest has not come by then; at once if all was read that came.
   */
  late(socket: Socket, rest: "request" | "headers", ms: number, say: () => void): void {
    const pipeline = this.#of(socket)
    const { slices, arrivals, newest } = pipeline
    if (!slices.isHeld) {
      say()
      return
    }
    const awaited = newest?.complete === false ? arrivals : arrivals + 1
    let wasHeld = true
    const timer = setInterval(() => {
      const isWhole = rest === "headers" || pipeline.newest?.complete !== false
      if (pipeline.arrivals > awaited || (pipeline.arrivals === awaited && isWhole)) {
        clearInterval(timer)
      } else if (slices.isHeld || wasHeld) {
        // All of the time that it gets is to be time in which it was read.
        wasHeld = slices.isHeld
      } else {
        clearInterval(timer)
        say()
      }
    }, ms)
    socket.once("close", () => clearInterval(timer))
  }

  /**
   * Leaves the connection to somebody else, as node:http does behind a request that is for something
   * else than HTTP. Returns what has come of it and was not parsed.
   */
  letGo({ socket, complete }: IncomingMessage): Buffer | undefined {
    // What is left of its body node:http still reads.
    return complete ? this.#of(socket).slices.letGo() : undefined
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
      atOnce: 1,
      bytesWritten: 0,
      slices: new Slices(socket),
      arrivals: 0,
      newest: undefined,
      isAmbiguous: false,
      last: undefined,
    }
    this.#bySocket.set(socket, pipeline)
    socket.once("close", () => this.#forget(pipeline, 0))
    return pipeline
  }

  /** Its next one waits for its turn; where there is no room for it, for an answer that leaves. */
  #standInLine(pipeline: Pipeline): void {
    if (pipeline.isInLine || !hasRoom(pipeline)) return
    pipeline.isInLine = true
    let left = 0
    turn.standInLine(peerOf(addressOf(pipeline.socket)), () => {
      left ||= this.#mayBeginAtOnce(pipeline)
      left -= 1
      const isBegun = this.#startNext(pipeline)
      if (isBegun && left > 0 && pipeline.waiting.length > 0) return true
      pipeline.isInLine = false
      this.#goOn(pipeline)
      return false
    })
  }

  /**
   * One request a place in the line, so that all connections have theirs, and more while nobody else is
   * there: twice as many each time that what was answered since is short. Of long answers one begins after
   * the other, so that what lies there because the client does not take it is seen before it is much.
   */
  #mayBeginAtOnce(pipeline: Pipeline): number {
    const answeredBytes = pipeline.socket.bytesWritten - pipeline.bytesWritten
    pipeline.bytesWritten += answeredBytes
    pipeline.atOnce =
      answeredBytes > takenAtOnceBytes ? 1 : Math.min(2 * pipeline.atOnce, underWayMax)
    return pipeline.atOnce
  }

  /** False when it waits for something else than its turn. */
  #startNext(pipeline: Pipeline): boolean {
    if (!pipeline.socket.writable || !hasRoom(pipeline)) return false
    const next = pipeline.waiting.shift()
    if (next === undefined) return false
    turn.waiting -= 1
    this.#start(pipeline, ...next)
    return true
  }

  #start(pipeline: Pipeline, request: IncomingMessage, response: ServerResponse): void {
    pipeline.underWay += 1
    if (pipeline.underWay === 1) this.#peers?.busy(pipeline.socket)
    if (pipeline.underWay === underWayMax) pipeline.slices.hold()
    response.on("close", () => this.#left(pipeline))
    this.#begin(request, response)
  }

  #left(pipeline: Pipeline): void {
    pipeline.underWay -= 1
    if (pipeline.underWay === 0 && pipeline.waiting.length === 0) pipeline.newest = undefined
    this.#goOn(pipeline)
    if (pipeline.underWay === 0 && pipeline.waiting.length === 0) {
      this.#peers?.idle(pipeline.socket)
    }
    this.#endWhenDone(pipeline)
  }

  #goOn(pipeline: Pipeline): void {
    const { socket, waiting } = pipeline
    // What is behind a goodbye is not answered, nor is a client that has left.
    if (!socket.writable) return
    if (waiting.length > 0) this.#standInLine(pipeline)
    else if (pipeline.underWay < underWayMax) pipeline.slices.goOn()
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

/**
 * Whether one more of its requests may be under way. While an answer lies there that the client does not
 * take, the next one would but lie behind it.
 */
function hasRoom({ underWay, socket }: Pipeline): boolean {
  if (underWay === 0) return true
  return underWay < underWayMax && socket.writableLength <= takenAtOnceBytes
}

/** Of a connection that has had the last word. */
const said = (): boolean => true
