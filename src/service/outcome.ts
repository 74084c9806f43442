/** What becomes of a call: the vocabulary that the pool, admission, HTTP and metrics share. */
import type { Received } from "./input/received.ts"
import type { Operation, RawInput } from "./operation.ts"
import type { WrittenProblem } from "./problem.ts"

export type Encoding = "zstd" | "br" | "gzip"

/** One request for one operation. */
export interface Call {
  readonly name: string
  readonly operation: Operation
  /** Read and checked; `undefined` when only the worker does that. */
  readonly input: RawInput | undefined
  /** What crosses to the worker instead of `input`, to be read there. */
  readonly received?: Received | undefined
  /** Buffers within what crosses that move to the worker instead of being copied. */
  readonly transfer: readonly ArrayBuffer[]
  readonly requestId: string
  /**
   * The same for every try of the same request, where the client lets it be told: its
   * `idempotency-key`, else the request id (which is the client's own if it sent one).
   */
  readonly tryId: string
  /** Who sent it, as far as turns go by that; see core/http/peer.ts. */
  readonly peer: string
  /** On the clock of `performance.now()`. */
  readonly arrivedAtMs: number
  readonly deadlineAtMs: number
  /** Compress the answer so. */
  readonly encoding: Encoding | undefined
  /** Gets each item of a streaming operation, as JSON, in order. */
  readonly onItem?: (json: JsonText) => void
}

/** JSON as it is sent; bytes when it is much, since to make those of a text takes time. */
export type JsonText = string | Uint8Array<ArrayBuffer>

/** An answer as it is sent. It is made on the worker, so that the main thread only passes it on. */
export type Reply =
  /** Of little JSON only: more of it are bytes, since to make those of a text takes time. */
  | { readonly kind: "json"; readonly text: string }
  | {
      readonly kind: "bytes"
      readonly bytes: Uint8Array<ArrayBuffer>
      readonly mediaType: string
      readonly encoding: Encoding | undefined
    }
  /** 204, or the end of a stream. */
  | { readonly kind: "empty" }

/** An error that only the log may see. */
export interface Fault {
  readonly message: string
  readonly stack: string | undefined
}

export type ShedReason =
  | "queue-full"
  | "displaced"
  | "bytes-full"
  | "slow-body"
  | "deadline"
  | "no-workers"
  | "setup-failed"

export type Outcome =
  | { readonly kind: "done"; readonly reply: Reply }
  /** `run` threw a problem: the client's. */
  | { readonly kind: "problem"; readonly problem: WrittenProblem }
  /** The input was found wrong on the worker that read it, so `run` never saw it. */
  | { readonly kind: "invalid"; readonly problem: WrittenProblem }
  /** `run` threw something else, or its answer failed the output schema: a bug. */
  | { readonly kind: "error"; readonly fault: Fault }
  /** The worker died under the call. */
  | {
      readonly kind: "crashed"
      /** A signal ends only workers that are processes. */
      readonly how: "out-of-memory" | "exit" | "uncaught" | NodeJS.Signals
      readonly fault: Fault
    }
  /** Refused, and never run. */
  | { readonly kind: "shed"; readonly reason: ShedReason; readonly retryAfterMs: number }
  /** Refused for good: by its own `cost` it takes longer than from its arrival to its deadline. */
  | { readonly kind: "too-costly"; readonly costMs: number; readonly timeAllowedMs: number }
  /** Admitted, and too late. */
  | { readonly kind: "expired"; readonly where: "queue" | "running" }
  /** The client left. */
  | { readonly kind: "cancelled"; readonly where: "queue" | "running" }

/** How long a call may take, from its arrival on. Deadlines are set in whole milliseconds. */
export function timeAllowedMs({ arrivedAtMs, deadlineAtMs }: Call): number {
  return Math.round(deadlineAtMs - arrivedAtMs)
}

export type Shed = Extract<Outcome, { kind: "shed" }>

/** A call under way. */
export interface Ticket {
  /** Never rejects. */
  readonly outcome: Promise<Outcome>
  /** The client left. Does nothing when the outcome is known. */
  cancel(): void
  /** Streaming: the client can take `count` more items. The first 16 need no asking. */
  pull(count: number): void
}

export const streamWindow = 16

/** A call of which no more is known than its head. */
export interface Arrival extends Pick<Call, "name" | "tryId" | "peer" | "deadlineAtMs"> {
  /** Body bytes that come on top of those held already: what the client declared, or has sent. */
  readonly bytes: number
  /** How many others would give up for them; asked, once, only where there is no room otherwise. */
  readonly bytesToSpare?: () => number
}

/** What HTTP asks of the computing side. */
export interface Compute {
  /**
   * Before the body is read, and while it comes in: is there any point in reading it?
   */
  arrive(arrival: Arrival): Shed | undefined
  /** Body bytes held for requests that are being received or wait: reserved and given back by HTTP. */
  readonly bytesHeld: { add(bytes: number): void; remove(bytes: number): void }
  /** After validation. Decides again, queues, runs. */
  run(call: Call): Ticket
}
