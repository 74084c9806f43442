/**
 * Connections to one backend, kept alive: what node:http asks for one (its Agent's place).
 *
 * Node's own pool may hand out a connection of which it has just learnt that it is closed: it forgets
 * it only some steps later. To a balancer that is a request lost for nothing. This one hands out the
 * youngest that is whole at this moment, and one on which nothing was said unasked, since that would
 * be taken for the next answer.
 */
import type { ClientRequest } from "node:http"
import type { Socket } from "node:net"
import { http, net } from "../../core/http/builtin.ts"

/** On one machine a connection takes microseconds; one that takes this long will not come. */
const connectTimeoutMs = 2000

/**
 * A connection that has been idle for longer is not used again. Servers close theirs after some
 * seconds (Node after 5), and a request that is not on its way can't meet that.
 */
const idleMsMax = 4000

/** Idle connections; more are closed when they become idle. */
const idleMax = 256

interface Idle {
  readonly socket: Socket
  readonly bytesRead: number
}

export class Connections extends http.Agent {
  readonly #host: string
  readonly #port: number
  readonly #all = new Set<Socket>()
  /** The youngest last. */
  readonly #idle: Idle[] = []

  constructor(origin: URL) {
    super({ keepAlive: true })
    this.#host = origin.hostname
    this.#port = Number(origin.port || 80)
  }

  /** How node:http asks. */
  addRequest(request: ClientRequest): void {
    request.onSocket(this.#take() ?? this.#connect())
  }

  /** Closes all of them, whatever they carry. */
  override destroy(): void {
    for (const socket of this.#all) socket.destroy()
  }

  #take(): Socket | undefined {
    for (;;) {
      const idle = this.#idle.pop()
      if (idle === undefined) return undefined
      const { socket, bytesRead } = idle
      if (socket.writable && !socket.readableEnded && socket.bytesRead === bytesRead) return socket
      socket.destroy()
    }
  }

  #connect(): Socket {
    const socket = net.connect({
      host: this.#host,
      port: this.#port,
      autoSelectFamily: false,
      noDelay: true,
      // So that one can find out what became of the last request: see fate.ts.
      allowHalfOpen: true,
    })
    this.#all.add(socket)
    socket.setTimeout(connectTimeoutMs)
    socket.once("connect", () => socket.setTimeout(idleMsMax))
    socket.on("timeout", () => {
      if (socket.connecting) socket.destroy(tooSlow())
      else if (this.#isIdle(socket)) socket.destroy()
    })
    // How node:http gives it back.
    socket.on("free", () => this.#give(socket))
    socket.on("end", () => {
      if (this.#isIdle(socket)) socket.destroy()
      // Behind whoever learns from it that its request has failed.
      else process.nextTick(() => socket.end())
    })
    // Whose request it was is told by node:http; an idle one is no loss.
    socket.on("error", () => {})
    socket.once("close", () => {
      this.#all.delete(socket)
      const at = this.#idle.findIndex((idle) => idle.socket === socket)
      if (at >= 0) this.#idle.splice(at, 1)
    })
    return socket
  }

  #give(socket: Socket): void {
    if (!socket.writable || this.#idle.length >= idleMax) socket.destroy()
    else this.#idle.push({ socket, bytesRead: socket.bytesRead })
  }

  #isIdle(socket: Socket): boolean {
    return this.#idle.some((idle) => idle.socket === socket)
  }
}

function tooSlow(): NodeJS.ErrnoException {
  const message = `There was no connection within ${connectTimeoutMs} ms.`
  return Object.assign(new Error(message), { code: "ETIMEDOUT", syscall: "connect" })
}
