/** `capstan status`: asks the `capstan up` that runs on this machine. */
import { ask } from "../local/ask.ts"
import { settingsTable } from "../service/settings.ts"
import { Failure } from "./failure.ts"
import { print, printDocument } from "./print.ts"
import type { UpReport } from "./up/report.ts"
import { statusText } from "./up/screen.ts"

export interface StatusFlags {
  readonly managementPort?: string
  readonly json?: true
}

const patienceMs = 5_000

/**
 * Prints how it is; resolves to 0 when a replica is ready, else to 1.
 * @throws {Failure} when nothing answers.
 */
export async function status({ managementPort, json }: StatusFlags): Promise<0 | 1> {
  const port = portOf(managementPort)
  const report = await reportAt(port)
  if (json) printDocument(`${JSON.stringify(report, null, 2)}\n`)
  else print(statusText(report, Date.now()))
  return report.ready > 0 ? 0 : 1
}

function portOf(typed: string | undefined): number {
  const { min, max, default: usual } = settingsTable.managementPort
  if (typed === undefined) return usual
  const port = /^\d{1,5}$/.test(typed) ? Number(typed) : Number.NaN
  if (port >= Math.max(1, min) && port <= max) return port
  throw new Failure(
    2,
    `--management-port is ${JSON.stringify(typed)}; it must be a whole number from 1 to ${max}.`,
  )
}

async function reportAt(port: number): Promise<UpReport> {
  const told = await ask(new URL(`http://127.0.0.1:${port}/status`), patienceMs)
  if (told === undefined) {
    throw new Failure(
      1,
      `Nothing answers at port ${port}: no capstan up runs here, or its port is another.`,
      "Start it with  capstan up MODULE, or say its port with --management-port.",
    )
  }
  if (told.status === 503) throw new Failure(1, "It is still starting.")
  const report = reportOf(told.text)
  if (report === undefined) {
    throw new Failure(
      1,
      `What answers at port ${port} is not capstan up.`,
      "Say its port with --management-port.",
    )
  }
  return report
}

/** Whoever answers may be anybody. */
function reportOf(text: string): UpReport | undefined {
  try {
    const report = JSON.parse(text)
    const { replicas, scaling, decisions } = report
    const isOurs = Array.isArray(replicas) && Array.isArray(decisions) && scaling !== undefined
    return isOurs ? report : undefined
  } catch {
    return undefined
  }
}
