/** A worker thread that sends a part of a run. It loads the scenario for itself, and does as told. */
import { parentPort, workerData } from "node:worker_threads"
import { scenarioOf } from "../scenario/scenario-origin.ts"
import { Engine } from "./engine.ts"
import type { FromThread, ThreadData, ToThread } from "./thread-messages.ts"

const { plan, origin, graceMs, hrtimeMs } = workerData as ThreadData
const offsetMs = Number(process.hrtime.bigint()) / 1e6 - performance.now() - hrtimeMs

void run()

async function run(): Promise<void> {
  let engine: Engine | undefined
  try {
    const scenario = await scenarioOf(origin)
    parentPort?.on("message", (message: ToThread) => {
      switch (message.kind) {
        case "begin":
          engine = new Engine(
            { ...plan, target: new URL(plan.target), thresholds: [] },
            {
              scenario,
              clock: () => performance.now() + offsetMs,
              random: Math.random,
              phase: message.phase,
              endsAtMs: message.endsAtMs,
              graceMs,
              // Posting copies it.
              flush: (batch) => tell({ kind: "batch", batch }),
              over: (beat) => tell({ kind: "over", beat }),
            },
          )
          break
        case "enter":
          engine?.enter(message.phase)
          break
        case "beat":
          if (engine !== undefined) tell({ kind: "beat", beat: engine.beat() })
          break
        case "stop":
          engine?.stop()
          break
        default:
          message satisfies never
      }
    })
    tell({ kind: "ready" })
  } catch (error) {
    tell({ kind: "failed", error: error instanceof Error ? error : new Error(String(error)) })
  }
}

function tell(message: FromThread): void {
  parentPort?.postMessage(message)
}
