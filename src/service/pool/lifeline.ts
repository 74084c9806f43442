/**
 * A thread in a worker's process that reads while the worker computes: see process-carrier.ts. It is
 * what makes `signal.aborted` true in a loop that never yields, and what ends such a loop when the
 * server is gone and nobody else can.
 */
import { Socket } from "node:net"
import { workerData } from "node:worker_threads"
import { Flag } from "./protocol.ts"

/** The descriptor of the pipe, behind those that are standard and Node's channel. */
const lifelineFd = 4
/** How long the worker has to end by itself when the server is gone. */
const graceMs = 1000

const flags = new Int32Array(workerData as SharedArrayBuffer)
let unread = Buffer.alloc(0)

const lifeline = new Socket({ fd: lifelineFd, writable: false })
lifeline.on("data", (chunk: Buffer) => {
  unread = Buffer.concat([unread, chunk])
  for (; unread.length >= Int32Array.BYTES_PER_ELEMENT; unread = unread.subarray(4)) {
    Atomics.store(flags, Flag.cancel, unread.readInt32LE())
  }
})
lifeline.on("error", () => {})
// With all the programs that it has started, which are in its group.
lifeline.on("close", () => setTimeout(() => process.kill(-process.pid, "SIGKILL"), graceMs))
