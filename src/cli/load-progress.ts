/** What a run without a page says while it runs: a live screen in a terminal, plain lines elsewhere. */
import { styleText } from "node:util"
import { time } from "../load/report/figures.ts"
import type { Snapshot } from "../load/result.ts"
import { printError } from "./print.ts"
import { clock, type Paint, screen } from "./progress-screen.ts"

/** How often a plain line is worth its place in a log. */
const plainEverySeconds = 5
/** As many seconds as the widest sparkline shows. */
const ratesMax = 120
/** Room for `^C`, which the terminal writes wherever the cursor is. */
const marginColumns = 3

/** Where it is written: `process.stdout`, or something like it. */
export interface Out {
  readonly isTTY?: boolean
  readonly columns?: number
  readonly rows?: number
  hasColors?(): boolean
  write(text: string): unknown
}

export class Progress {
  readonly #isOpen: boolean
  readonly #runTimeMs: number | undefined
  readonly #out: Out
  readonly #isLive: boolean
  readonly #rates: number[] = []
  #seconds = 0
  /** The screen as it stands there, without its colours. */
  #shown: readonly string[] = []

  constructor(isOpen: boolean, runTimeMs: number | undefined, out: Out = process.stdout) {
    this.#isOpen = isOpen
    this.#runTimeMs = runTimeMs
    this.#out = out
    // A terminal that can't move its cursor is written to like a file.
    this.#isLive = out.isTTY === true && process.env.TERM !== "dumb"
  }

  show(snapshot: Snapshot): void {
    this.#seconds += 1
    this.#rates.push(snapshot.point.requestsPerS)
    if (this.#rates.length > ratesMax) this.#rates.shift()
    if (this.#isLive) this.#draw(snapshot)
    else if (this.#seconds === 1 || this.#seconds % plainEverySeconds === 0) {
      this.#out.write(`${this.#line(snapshot)}\n`)
    }
  }

  /** A message in between, on standard error. The screen goes on below it. */
  say(text: string): void {
    this.end()
    printError(text)
  }

  /** Takes the screen away; plain lines stay. What follows is the same with both. */
  end(): void {
    if (this.#shown.length > 0) this.#out.write(`${this.#home()}\u001b[J`)
    this.#shown = []
  }

  #draw(snapshot: Snapshot): void {
    const { columns = 80, rows = 24 } = this.#out
    const shown = {
      snapshot,
      rates: this.#rates,
      isOpen: this.#isOpen,
      runTimeMs: this.#runTimeMs,
    }
    const width = columns - marginColumns
    const lines = (paint: Paint): string[] => screen(shown, width, paint).slice(0, rows - 1)
    const home = this.#home()
    this.#shown = lines((_, text) => text)
    const paint: Paint = this.#out.hasColors?.()
      ? (style, text) => styleText(style, text, { validateStream: false })
      : (_, text) => text
    this.#out.write(`${home}${lines(paint).join("\u001b[K\n")}\u001b[J`)
  }

  /** To where the screen begins. Lines that a narrower window has broken take more rows than one. */
  #home(): string {
    const { columns = 80 } = this.#out
    const rows = this.#shown.reduce(
      (sum, line) => sum + Math.max(1, Math.ceil(line.length / columns)),
      0,
    )
    return rows > 1 ? `\r\u001b[${rows - 1}A` : "\r"
  }

  #line({ elapsedMs, point, total }: Snapshot): string {
    const { percentilesMs: now, target } = point
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
      ...(target === null ? [] : [`${target.replicas.ready}/${target.replicas.wanted} replicas`]),
    ]
    return parts.join("  ")
  }
}
