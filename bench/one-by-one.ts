/**
 * Calls of the benches' service through a pool without a server, one after the other: it is the way
 * there and back that is measured.
 */
import type { Call, Reply } from "../src/service/outcome.ts"
import type { PoolOptions } from "../src/service/pool/contract.ts"
import { Pool } from "../src/service/pool/pool.ts"
import service from "./service.ts"

/** Resolves when its first worker is ready. */
export async function startPool(
  options: Pick<PoolOptions, "operations" | "size" | "spares" | "isolation">,
): Promise<Pool> {
  const pool = new Pool(
    {
      moduleUrl: new URL("./service.ts", import.meta.url).href,
      nice: 10,
      memoryMiB: 4096,
      memoryLookMs: 100,
      setupTimeoutMs: 60_000,
      cancelGraceMs: 250,
      ...options,
    },
    { used: () => {} },
  )
  await pool.started()
  return pool
}

/**
 * Calls an operation. `bytes` are its body; they go there, and are not here any more.
 * @throws {Error} when it comes to anything but a reply.
 */
export async function replyOf(
  pool: Pool,
  name: string,
  bytes?: Uint8Array<ArrayBuffer>,
): Promise<Reply> {
  const nowMs = performance.now()
  const body = bytes && { mediaType: "application/octet-stream", bytes }
  const call: Call = {
    name,
    operation: service.operations.get(name)!,
    input: { path: undefined, query: undefined, headers: undefined, body },
    transfer: bytes === undefined ? [] : [bytes.buffer],
    requestId: "bench",
    tryId: "bench",
    peer: "bench",
    arrivedAtMs: nowMs,
    deadlineAtMs: nowMs + 30_000,
    encoding: undefined,
  }
  const estimate = { ms: undefined, medianMs: undefined, foretoldMs: undefined }
  const outcome = await pool.submit(call, estimate).outcome
  if (outcome.kind !== "done") throw new Error(`The call came to: ${outcome.kind}.`)
  return outcome.reply
}

/** How long each call took, in microseconds. */
export async function timesUs(call: () => Promise<unknown>, calls: number): Promise<number[]> {
  const tookUs: number[] = []
  for (let i = 0; i < calls; i++) {
    const askedAtMs = performance.now()
    await call()
    tookUs.push(1000 * (performance.now() - askedAtMs))
  }
  return tookUs
}
