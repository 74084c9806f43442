/**
 * The replicas, and the requests that wait for one of them.
 *
 * While none may be asked, or there are as many connections as there may be, requests wait in the order of their arrival, bounded in number and time,
 * with their bodies unread. They go on as soon as one is added, becomes ready, or may be tried again.
 */
import { monotonicClock } from "../../core/clock.ts"
import type { Backend, ResolvedOptions } from "./options.ts"
import { pick } from "./pick.ts"
import { Room } from "./room.ts"
import { Upstream } from "./upstream.ts"

/** What the balancer knows of a backend. */
export interface BackendStats {
  /** Requests that it has and has not yet answered. */
  readonly outstanding: number
  /** Answers of any status. */
  readonly answered: number
  /** Requests that broke off, or that it could not be given. */
  readonly failed: number
  /** It failed again and again, and is tried only now and then. */
  readonly open: boolean
}

/** A request that looks for a replica. */
export interface Passenger {
  /** How much longer it may wait, in milliseconds. */
  readonly patienceMs: number
  /** Goes to this one now. */
  board(upstream: Upstream): void
  /** There was none. */
  refuse(because: string): void
}

/**
 * A process that has gone leaves its connections' ends behind, and they tell what became of each
 * request. They are there within milliseconds; after this long nobody waits for them.
 */
const dropGraceMs = 1000

type Options = Pick<ResolvedOptions, "waitingMax" | "upstreamConnectionsMax" | "logged">

export class Upstreams {
  readonly #options: Options
  readonly #room: Room
  /** Those that may get requests. */
  readonly #serving = new Map<string, Upstream>()
  readonly #draining = new Map<string, Upstream>()
  /** In the order of their arrival, each with the timer that ends its wait. */
  readonly #waiting = new Map<Passenger, NodeJS.Timeout>()
  #retryTimer: NodeJS.Timeout | undefined

  constructor(options: Options) {
    this.#options = options
    this.#room = new Room(options.upstreamConnectionsMax, () => {
      if (this.#waiting.size > 0) this.#wake()
    })
  }

  add(backend: Backend): void {
    const { name } = backend
    if (this.#find(name) !== undefined) throw new Error(`There is a backend "${name}" already.`)
    this.#serving.set(name, new Upstream(backend, this.#room))
    this.#wake()
  }

  setReady(name: string, ready: boolean): void {
    const upstream = this.#serving.get(name)
    if (upstream === undefined) return
    upstream.ready = ready
    if (ready) this.#wake()
  }

  async drain(name: string): Promise<void> {
    const upstream = this.#find(name)
    if (upstream === undefined) return
    this.#serving.delete(name)
    this.#draining.set(name, upstream)
    await upstream.idle()
    upstream.close(0)
    this.#draining.delete(name)
  }

  drop(name: string): void {
    const upstream = this.#find(name)
    this.#serving.delete(name)
    this.#draining.delete(name)
    upstream?.close(dropGraceMs)
  }

  stats(): { readonly [name: string]: BackendStats } {
    const stats: { [name: string]: BackendStats } = {}
    for (const upstreams of [this.#serving, this.#draining]) {
      for (const [name, { outstanding, answered, failed, circuit }] of upstreams) {
        stats[name] = { outstanding, answered, failed, open: circuit.isOpen }
      }
    }
    return stats
  }

  /** Finds a replica for it, now or later. */
  place(passenger: Passenger): void {
    const upstream = this.#pick()
    if (upstream === undefined) this.#wait(passenger)
    else passenger.board(upstream)
  }

  /** It waits no longer: its client has left. */
  leave(passenger: Passenger): void {
    clearTimeout(this.#waiting.get(passenger))
    this.#waiting.delete(passenger)
  }

  /** There was an answer. */
  worked(upstream: Upstream): void {
    if (!upstream.circuit.worked()) return
    this.#logged(upstream, false, "It answered.")
    this.#wake()
  }

  /** A request came to nothing. */
  failed(upstream: Upstream, wasTrial: boolean, because: string): void {
    const hasOpened = upstream.circuit.failed(wasTrial, monotonicClock(), Math.random)
    // Of one that has gone there is nothing to tell.
    if (hasOpened && this.#serving.get(upstream.name) === upstream) {
      this.#logged(upstream, true, because)
    }
    this.#watchCircuits()
  }

  /** Its client has left before there was anything to learn. */
  undecided(upstream: Upstream, wasTrial: boolean): void {
    if (!wasTrial) return
    upstream.circuit.undecided(wasTrial)
    this.#wake()
  }

  /** Refuses all that wait, and cuts off all that runs. */
  close(): void {
    for (const passenger of [...this.#waiting.keys()]) {
      this.leave(passenger)
      passenger.refuse("The service is being stopped.")
    }
    clearTimeout(this.#retryTimer)
    for (const upstreams of [this.#serving, this.#draining]) {
      for (const upstream of upstreams.values()) upstream.close(0)
      upstreams.clear()
    }
  }

  #find(name: string): Upstream | undefined {
    return this.#serving.get(name) ?? this.#draining.get(name)
  }

  #pick(): Upstream | undefined {
    if (this.#room.isFull) return undefined
    return pick(this.#serving.values(), monotonicClock(), Math.random)
  }

  #wait(passenger: Passenger): void {
    const { waitingMax } = this.#options
    const { patienceMs } = passenger
    if (this.#waiting.size >= waitingMax) {
      const why = this.#room.isFull ? allInUse : "No replica of the service is ready"
      passenger.refuse(`${why}, and as many requests wait as may.`)
    } else if (patienceMs <= 0) {
      passenger.refuse(this.#tooLong)
    } else {
      const timer = setTimeout(() => {
        this.#waiting.delete(passenger)
        passenger.refuse(this.#tooLong)
      }, patienceMs)
      this.#waiting.set(passenger, timer)
      this.#watchCircuits()
    }
  }

  get #tooLong(): string {
    if (this.#room.isFull) return `${allInUse}, and none became free in time.`
    return "No replica of the service became ready in time."
  }

  #wake(): void {
    for (const [passenger, timer] of this.#waiting) {
      const upstream = this.#pick()
      if (upstream === undefined) break
      clearTimeout(timer)
      this.#waiting.delete(passenger)
      passenger.board(upstream)
    }
    this.#watchCircuits()
  }

  /** Wakes who waits as soon as a circuit lets one try. */
  #watchCircuits(): void {
    clearTimeout(this.#retryTimer)
    this.#retryTimer = undefined
    if (this.#waiting.size === 0) return
    let atMs = Number.POSITIVE_INFINITY
    for (const { ready, circuit } of this.#serving.values()) {
      if (ready) atMs = Math.min(atMs, circuit.retryAtMs ?? Number.POSITIVE_INFINITY)
    }
    if (atMs === Number.POSITIVE_INFINITY) return
    // Timers may be early by a fraction of a millisecond.
    const inMs = Math.max(0, Math.ceil(atMs - monotonicClock()) + 1)
    this.#retryTimer = setTimeout(() => this.#wake(), inMs)
  }

  #logged({ name }: Upstream, open: boolean, because: string): void {
    this.#options.logged({ kind: "circuit", backend: name, open, because })
  }
}

const allInUse = "All connections to replicas that there may be are in use"
