/** What a balancer can be told, and what it tells. */

/** One replica of the service. */
export interface Backend {
  /** Unlike any other's, also of those that have gone. */
  readonly name: string
  /** Where it listens: `http://127.0.0.1:PORT`. */
  readonly origin: URL
}

export interface BalancerOptions {
  /** The address to listen on. */
  readonly host: string
  /** 0: any free one. */
  readonly port: number
  /** Open connections of clients, shared as peers.ts has it. @default 10_000 */
  readonly connectionsMax?: number
  /**
   * Open connections to replicas. While all are in use requests wait, as when no replica is ready.
   * @default no bound but that on clients' connections and on what each sends ahead
   */
  readonly upstreamConnectionsMax?: number
  /** Bytes of answers that clients have yet to take, shared as unread.ts has it. @default 256 MiB */
  readonly unreadBytesMax?: number
  /** Requests that wait for a replica while none is ready. One more is refused (503). @default 1000 */
  readonly waitingMax?: number
  /** How long each of them waits, in milliseconds, before it is refused (503). @default 10_000 */
  readonly waitMs?: number
  /** How long a client may take to send a request's headers, in milliseconds. @default 10_000 */
  readonly headersTimeoutMs?: number
  /** How long a client's idle connection is kept, in milliseconds. @default 65_000 */
  readonly keepAliveTimeoutMs?: number
  /**
   * How long a client may take nothing of an answer that is ready for it, in milliseconds. Then its
   * connection is broken. @default 30_000
   */
  readonly stallTimeoutMs?: number
  /** Origins whose pages may read what it answers by itself; `*` for any. @default none */
  readonly corsOrigins?: readonly string[]
  /** Called with what happens, at once: it must be quick. */
  readonly logged?: (event: BalancerEvent) => void
}

export type ResolvedOptions = Required<BalancerOptions>

/** Whatever is not said. The service's own settings have the same values where they mean the same. */
const defaults = {
  connectionsMax: 10_000,
  upstreamConnectionsMax: Number.POSITIVE_INFINITY,
  unreadBytesMax: 268_435_456,
  waitingMax: 1000,
  waitMs: 10_000,
  headersTimeoutMs: 10_000,
  keepAliveTimeoutMs: 65_000,
  stallTimeoutMs: 30_000,
  corsOrigins: [],
  logged: () => {},
} satisfies Omit<ResolvedOptions, "host" | "port">

export function resolve(options: BalancerOptions): ResolvedOptions {
  return { ...defaults, ...options }
}

/** Paths come without their query, which may hold secrets. */
export type BalancerEvent =
  /** A backend fails again and again and gets no more requests (`open`), or works again. */
  | {
      readonly kind: "circuit"
      readonly backend: string
      readonly open: boolean
      readonly because: string
    }
  /** A request had not reached this backend, and goes to another one. */
  | {
      readonly kind: "retried"
      readonly backend: string
      readonly requestId: string
      readonly because: string
    }
  /** What ran on this backend broke off: the client got a 502, or half an answer. */
  | {
      readonly kind: "lost"
      readonly backend: string
      readonly requestId: string
      readonly method: string
      readonly path: string
      readonly because: string
    }
  /** No backend took the request: the client got a 503. */
  | { readonly kind: "refused"; readonly requestId: string; readonly because: string }
  /** A connection had to go because there are too many. Said once a second at most. */
  | { readonly kind: "connections-full"; readonly connectionsMax: number }
  /** A client had to go that does not read its answer. Said once a second at most. */
  | { readonly kind: "unread-full"; readonly unreadBytesMax: number }
