/** What a run without a page says while it runs: one live line in a terminal, plain lines elsewhere. */
import { time } from "../load/report/table.ts"
import type { Snapshot } from "../load/result.ts"

/** How often a plain line is worth its place in a log. */
const plainEverySeconds = 5

export class Progress {
  readonly #isOpen: boolean
  readonly #runTimeMs: number | undefined
  #seconds = 0

  constructor(isOpen: boolean, runTimeMs: number | undefined) {
    this.#isOpen = isOpen
    this.#runTimeMs = runTimeMs
  }

  show(snapshot: Snapshot): void {
    const { stdout } = process
    this.#seconds += 1
    if (stdout.isTTY) {
      const line = this.#line(snapshot).slice(0, Math.max(20, stdout.columns - 1))
      stdout.write(`\r\u001b[K${line}`)
    } else if (this.#seconds === 1 || this.#seconds % plainEverySeconds === 0) {
      stdout.write(`${this.#line(snapshot)}\n`)
    }
  }

  /** Leaves the live line behind. */
  end(): void {
    process.stdout.write(process.stdout.isTTY ? "\r\u001b[K" : "")
  }

  #line({ elapsedMs, point, total }: Snapshot): string {
    const { percentilesMs: now } = point
    const parts = [
      this.#runTimeMs === undefined
        ? clock(elapsedMs)
        : `${clock(elapsedMs)}/${clock(this.#runTimeMs)}`,
      `${point.users} ${this.#isOpen ? "waiting" : "users"}`,
      `${point.requestsPerS.toFixed(1)}/s`,
      `${total.requests} sent`,
      `${total.failures} failed`,
      ...(now === null
        ? ["no answers"]
        : [`p50 ${time(now[50])}`, `p95 ${time(now[95])}`, `p99 ${time(now[99])}`]),
    ]
    return parts.join("  ")
  }
}

/** `1:05`. */
function clock(ms: number): string {
  const seconds = Math.round(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`
}
