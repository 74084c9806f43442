/**
 * Requests that a client sends without waiting for the answers to those before them (pipelining).
 *
 * Each takes memory and begins work, and how many there are is the client's to say: node:http stops
 * reading a connection on which answers pile up, and not one on which requests do. So of each
 * connection a few are under way at a time. The rest waits in its order, and while any does, the
 * connection is not read. That is no error: the client's writes come to a halt, as they do with a
 * server that answers one after another, and go on as answers leave.
 *
 * node:http can't be stopped within what it has read at once, 64 KiB, so that many bytes of requests
 * may wait. They cost what node:http makes of them, and nothing of ours.
 */
import type { IncomingMessage, ServerResponse } from "node:http"
import type { Socket } from "node:net"

/** Requests of one connection that are under way: more than a client in good faith has open. */
const underWayMax = 16

type Listener = (request: IncomingMessage, response: ServerResponse) => void

interface Pipeline {
  readonly socket: Socket
  underWay: number
  /** In the order of their arrival. */
  readonly waiting: (readonly [IncomingMessage, ServerResponse])[]
  /** Lets node:http read on; there while it was told to stop before the next request. */
  readOn: (() => void) | undefined
  /** It has stopped. */
  isStopped: boolean
  /** Says the last word. */
  last: (() => boolean) | undefined
}

export class Pipelines {
  readonly #begin: Listener
  readonly #bySocket = new WeakMap<Socket, Pipeline>()

  /** @param begin is given each request when it is its turn. */
  constructor(begin: Listener) {
    this.#begin = begin
  }

  /** For node:http's `request`, `checkContinue` and `checkExpectation`. */
  readonly arrived: Listener = (request, response) => {
    const pipeline = this.#of(request.socket)
    if (pipeline.underWay < underWayMax) {
      this.#start(pipeline, request, response)
    } else {
      pipeline.waiting.push([request, response])
      pipeline.isStopped = true
    }
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
    if (pipeline.waiting.at(-1)?.[0].complete === false) pipeline.waiting.pop()
    pipeline.last = say
    this.#endWhenDone(pipeline)
  }

  #of(socket: Socket): Pipeline {
    let pipeline = this.#bySocket.get(socket)
    if (pipeline === undefined) {
      pipeline = {
        socket,
        underWay: 0,
        waiting: [],
        readOn: undefined,
        isStopped: false,
        last: undefined,
      }
      this.#bySocket.set(socket, pipeline)
    }
    return pipeline
  }

  #start(pipeline: Pipeline, request: IncomingMessage, response: ServerResponse): void {
    pipeline.underWay += 1
    if (pipeline.underWay === underWayMax) {
      pipeline.readOn ??= stopReading(pipeline.socket, response)
    }
    response.on("close", () => this.#left(pipeline))
    this.#begin(request, response)
  }

  #left(pipeline: Pipeline): void {
    pipeline.underWay -= 1
    // What is behind a goodbye is not answered, nor is a client that has left.
    if (!pipeline.socket.writable) return
    const next = pipeline.waiting.shift()
    if (next !== undefined) {
      this.#start(pipeline, ...next)
    } else if (pipeline.underWay < underWayMax) {
      pipeline.isStopped = false
      pipeline.readOn?.()
      pipeline.readOn = undefined
    }
    this.#endWhenDone(pipeline)
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
