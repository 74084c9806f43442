/** What one thread writes down of its part of a run, until the books take it. */
import type { Clock } from "../../core/clock.ts"
import type { Opening } from "../client/connect.ts"
import type { Exchange } from "../client/exchange.ts"
import type { Batch, Beat } from "./beat.ts"
import { Exceptions } from "./exception.ts"
import { type Failure, Failures } from "./failure.ts"
import { ThreadWatch } from "./generator.ts"
import { Names } from "./names.ts"
import { Tape } from "./tape.ts"

export class Log {
  /** Takes a batch at once: what it holds is written over afterwards. */
  readonly flush: (batch: Batch) => void
  readonly #watch: ThreadWatch
  readonly #names = new Names()
  readonly #tape = new Tape()
  readonly #failures = new Failures()
  readonly #exceptions = new Exceptions()
  #connectsMs: number[] = []
  #handshakesMs: number[] = []
  #opened = 0
  #notSent = 0
  resent = 0
  usersStarted = 0

  constructor(clock: Clock, flush: (batch: Batch) => void) {
    this.flush = flush
    this.#watch = new ThreadWatch(clock)
  }

  /** A request was sent so long after it was due. */
  late(lagMs: number): void {
    this.#watch.late(lagMs)
  }

  opened({ connectMs, tlsMs }: Opening): void {
    this.#opened += 1
    this.#connectsMs.push(connectMs)
    if (tlsMs !== undefined) this.#handshakesMs.push(tlsMs)
  }

  /** A request is over. */
  entered(exchange: Exchange, failure: Failure | undefined): void {
    const { method, name, dueAtMs, sentAtMs, endedAtMs, writtenAtMs, firstByteAtMs } = exchange
    const isAnswered = firstByteAtMs > 0 && exchange.error === undefined
    if (failure !== undefined) this.#failures.add(method, name, failure, Date.now())
    if (this.#tape.isFull) {
      this.flush({ names: this.#names.takeNew(), requests: this.#tape.take() })
    }
    this.#tape.write(
      this.#names.idOf(method, name),
      failure !== undefined,
      endedAtMs - dueAtMs,
      endedAtMs - sentAtMs,
      isAnswered ? firstByteAtMs - writtenAtMs : 0,
      isAnswered ? endedAtMs - firstByteAtMs : 0,
      exchange.bytes,
    )
  }

  /** An arrival that was due and could not be sent. */
  notSent(name: string, error: string): void {
    this.#notSent += 1
    this.#failures.add("", name, { kind: "not sent", error, example: "" }, Date.now())
  }

  threw(what: string, error: unknown): void {
    this.#exceptions.add(what, error, Date.now())
  }

  /** Everything since the last time. */
  beat(users: number, waiting: number): Beat {
    const beat: Beat = {
      names: this.#names.takeNew(),
      requests: this.#tape.cut(),
      second: this.#watch.second(),
      failures: this.#failures.take(),
      exceptions: this.#exceptions.take(),
      connectsMs: this.#connectsMs,
      handshakesMs: this.#handshakesMs,
      opened: this.#opened,
      resent: this.resent,
      notSent: this.#notSent,
      usersStarted: this.usersStarted,
      users,
      waiting,
    }
    this.#connectsMs = []
    this.#handshakesMs = []
    this.#opened = 0
    this.#notSent = 0
    this.resent = 0
    this.usersStarted = 0
    return beat
  }

  close(): void {
    this.#watch.close()
  }
}
