/** A screenful that is drawn anew twice a second, on the terminal's other screen. */
import type { Note, Size } from "./lines.ts"

/** Text of at most that size. @param nowMs milliseconds since 1970. */
export type Draw = (notes: readonly Note[], size: Size, nowMs: number) => string

const drawEveryMs = 500
const notesMax = 200

const sequences = {
  /** The other screen, the cursor hidden; what stood there before comes back at the end. */
  enter: "\x1b[?1049h\x1b[?25l",
  leave: "\x1b[?25h\x1b[?1049l",
  home: "\x1b[H",
  clearLine: "\x1b[K",
  clearBelow: "\x1b[J",
} as const

export class FullScreen {
  readonly #notes: Note[] = []
  #drawn: Draw | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #redraw = (): void => this.#draw()
  readonly #leave = (): void => {
    process.stdout.write(sequences.leave)
  }

  get isShown(): boolean {
    return this.#timer !== undefined
  }

  note(text: string, at = Date.now()): void {
    this.#notes.push({ at, text })
    if (this.#notes.length > notesMax) this.#notes.shift()
  }

  show(draw: Draw): void {
    this.#drawn = draw
    process.stdout.write(sequences.enter)
    process.once("exit", this.#leave)
    this.#draw()
    this.#timer = setInterval(this.#redraw, drawEveryMs)
    process.stdout.on("resize", this.#redraw)
  }

  end(): void {
    if (this.#timer === undefined) return
    clearInterval(this.#timer)
    this.#timer = undefined
    process.stdout.off("resize", this.#redraw)
    process.off("exit", this.#leave)
    this.#leave()
  }

  #draw(): void {
    // A terminal that takes nothing is not written to.
    if (this.#drawn === undefined || process.stdout.writableNeedDrain) return
    const { rows = 24, columns = 80 } = process.stdout
    const text = this.#drawn(this.#notes, { rows, columns }, Date.now())
    const lines = text.replaceAll("\n", `${sequences.clearLine}\n`)
    process.stdout.write(`${sequences.home}${lines}${sequences.clearLine}${sequences.clearBelow}`)
  }
}
