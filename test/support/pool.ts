/** A real pool with real workers, and what it told. */
import { once } from "node:events"
import type { Operation } from "../../src/service/operation.ts"
import type { Call, Outcome, Ticket } from "../../src/service/outcome.ts"
import type { PoolEvents, PoolOptions, TaskUse } from "../../src/service/pool/contract.ts"
import { Pool } from "../../src/service/pool/pool.ts"
import type { WorkerOptions } from "../../src/service/pool/worker-contract.ts"
import fixture from "../fixtures/pool/service.ts"
import { patienceMs } from "./patience.ts"

export interface Trial extends AsyncDisposable {
  readonly pool: Pool
  readonly uses: TaskUse[]
  /** CPU time that was told late. */
  correctedMs: number
  readonly logged: Parameters<NonNullable<PoolEvents["log"]>>[0][]
  readonly deaths: { readonly message: string; readonly how: string; readonly retryInMs: number }[]
  readonly leftovers: Parameters<NonNullable<PoolEvents["leftover"]>>[0][]
  readonly failedSetups: { readonly operations: readonly string[]; readonly message: string }[]
  readonly stuck: { readonly operation: string | undefined; readonly isReplaced: boolean }[]
  /** How often a queued task was late. */
  late: number
  submit(name: string, body?: unknown, more?: Partial<Call> & { estimateMs?: number }): Ticket
  run(name: string, body?: unknown, more?: Partial<Call>): Promise<Outcome>
  /** Has had its first call, and all its workers up, the spares too. */
  warm(): Promise<void>
  /** Resolves when `condition` holds; looked at whenever the pool tells something. */
  until(condition: () => boolean): Promise<void>
}

export const workerOptions: WorkerOptions = {
  moduleUrl: new URL("../fixtures/pool/service.ts", import.meta.url).href,
  operations: [...fixture.operations.keys()],
  required: [],
  nice: 0,
  memoryMiB: 128,
  memoryLookMs: 20,
  setupTimeoutMs: patienceMs(),
}

/** A call of one of the fixture's operations, as if it had just arrived. */
export function callOf(name: string, body?: unknown, more: Partial<Call> = {}): Call {
  const nowMs = performance.now()
  return {
    name,
    operation: fixture.operations.get(name) as Operation,
    input: { path: undefined, query: undefined, headers: undefined, body },
    transfer: [],
    requestId: "test",
    tryId: "test",
    peer: "test",
    arrivedAtMs: nowMs,
    deadlineAtMs: nowMs + patienceMs(),
    encoding: undefined,
    ...more,
  }
}

export async function tryPool(options: Partial<PoolOptions> = {}): Promise<Trial> {
  const told = new EventTarget()
  const tell = () => told.dispatchEvent(new Event("told"))
  const trial = {
    uses: [] as TaskUse[],
    logged: [] as Trial["logged"],
    deaths: [] as Trial["deaths"],
    leftovers: [] as Trial["leftovers"],
    failedSetups: [] as Trial["failedSetups"],
    stuck: [] as Trial["stuck"],
    late: 0,
    correctedMs: 0,
  }
  const pool = new Pool(
    {
      ...workerOptions,
      size: 1,
      spares: 0,
      cancelGraceMs: 50,
      terminationMsMax: patienceMs(),
      ...options,
    },
    {
      used(use) {
        trial.uses.push(use)
        tell()
      },
      corrected(_call, _outcome, cpuMs) {
        trial.correctedMs += cpuMs
      },
      workerReady: tell,
      workerDied({ message }, how, retryInMs) {
        trial.deaths.push({ message, how, retryInMs })
        tell()
      },
      workerStuck(call, isReplaced) {
        trial.stuck.push({ operation: call?.name, isReplaced })
        tell()
      },
      setupFailed({ operations, fault: { message } }) {
        trial.failedSetups.push({ operations, message })
        tell()
      },
      leftover(leftover) {
        trial.leftovers.push(leftover)
        tell()
      },
      log(message) {
        trial.logged.push(message)
        tell()
      },
      unrun(_call, { kind }) {
        if (kind === "expired") trial.late += 1
        tell()
      },
    },
  )
  pool.fill()
  await pool.started()
  const submit: Trial["submit"] = (name, body, { estimateMs, ...more } = {}) => {
    return pool.submit(callOf(name, body, more), {
      ms: estimateMs,
      medianMs: estimateMs,
      foretoldMs: undefined,
    })
  }
  const until = async (condition: () => boolean): Promise<void> => {
    while (!condition()) await once(told, "told")
  }
  return Object.assign(trial, {
    pool,
    submit,
    run: (name: string, body?: unknown, more?: Partial<Call>) => submit(name, body, more).outcome,
    async warm() {
      const { size = 1, spares = 0 } = options
      await submit("echo").outcome
      await until(() => pool.counts().idle === size + spares)
      trial.uses.length = 0
    },
    until,
    [Symbol.asyncDispose]: () => pool.close(patienceMs()),
  })
}

/** For the fixture's operations that tell when they have begun, and for that which goes on until released. */
export class Latch {
  readonly words = new Int32Array(new SharedArrayBuffer(8))

  get hasBegun(): boolean {
    return Atomics.load(this.words, 0) !== 0
  }

  release(): void {
    Atomics.store(this.words, 1, 1)
    Atomics.notify(this.words, 1)
  }

  /** Blocks this thread, so that nothing of what its worker says is read meanwhile. */
  untilBegun(): void {
    const waited = Atomics.wait(this.words, 0, 0, patienceMs())
    if (waited === "timed-out") throw new Error("It never began.")
  }
}

/** What a call answered, as JSON. */
export function answerOf(outcome: Outcome): unknown {
  if (outcome.kind !== "done" || outcome.reply.kind !== "json") {
    throw new Error(`It did not answer: ${JSON.stringify(outcome)}`)
  }
  return JSON.parse(outcome.reply.text)
}

/** How a call has ended; where it took its worker with it, how that died. */
export function howOf(outcome: Outcome): string {
  return outcome.kind === "crashed" ? outcome.how : outcome.kind
}
