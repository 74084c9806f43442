/** Opens connections, and times what that takes: the connection itself, and TLS on top of it. */
import { connect as connectTcp, isIP } from "node:net"
import type { Clock } from "../../core/clock.ts"
import { tls } from "../../core/http/secure.ts"
import { addressesInTurn } from "./addresses.ts"
import type { Connect } from "./connection.ts"

export interface Opening {
  /** DNS included. */
  readonly connectMs: number
  /** Undefined without TLS. */
  readonly tlsMs: number | undefined
}

export interface ConnectOptions {
  readonly clock: Clock
  /** Certificates are not checked. */
  readonly insecure: boolean
  readonly opened: (opening: Opening) => void
}

/** How long a connection may take to stand, TLS included. */
const connectTimeoutMs = 10_000

/** To one origin. No TLS session is resumed: new clients have none. */
export function connector(origin: URL, { clock, insecure, opened }: ConnectOptions): Connect {
  const lookup = addressesInTurn(clock)
  const isTls = origin.protocol === "https:"
  const host = origin.hostname.replace(/^\[(.*)\]$/, "$1")
  const port = Number(origin.port) || (isTls ? 443 : 80)
  // One for all: what is read is dealt with before anything else is.
  const buffer = Buffer.allocUnsafe(64 * 1024)
  return ({ data, connected, closed, gone }) => {
    const startedAtMs = clock()
    let connectedAtMs = startedAtMs
    const to = {
      host,
      port,
      lookup,
      noDelay: true,
      onread: {
        buffer,
        callback(count: number) {
          data(buffer, count)
          return true
        },
      },
    }
    const socket = isTls
      ? tls.connect({
          ...to,
          // An address is no server name.
          ...(isIP(host) === 0 ? { servername: host } : {}),
          ALPNProtocols: ["http/1.1"],
          rejectUnauthorized: !insecure,
        })
      : connectTcp(to)
    const patience = setTimeout(() => {
      const error: NodeJS.ErrnoException = new Error(`no connection within ${connectTimeoutMs} ms`)
      error.code = "ETIMEDOUT"
      socket.destroy(error)
    }, connectTimeoutMs)
    socket.on("error", closed)
    socket.on("end", () => closed(undefined))
    socket.on("close", () => {
      clearTimeout(patience)
      closed(undefined)
      gone()
    })
    socket.once("connect", () => {
      connectedAtMs = clock()
    })
    socket.once(isTls ? "secureConnect" : "connect", () => {
      clearTimeout(patience)
      const tlsMs = isTls ? clock() - connectedAtMs : undefined
      opened({ connectMs: connectedAtMs - startedAtMs, tlsMs })
      connected()
    })
    return socket
  }
}
