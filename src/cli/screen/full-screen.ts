/** A screenful that is drawn anew twice a second, on the terminal's other screen. */
import { writeSync } from "node:fs"
import { LogWriter } from "../log-writer.ts"
import type { Note, Size } from "./lines.ts"
import { openTerminal } from "./terminal.ts"

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
  readonly #fd = openTerminal()
  // Whom should it tell of trouble but the terminal?
  readonly #writer = new LogWriter({ fd: this.#fd, trouble: () => {} })
  readonly #notes: Note[] = []
  #drawn: Draw | undefined
  #timer: NodeJS.Timeout | undefined
  readonly #redraw = (): void => this.#draw()
  readonly #leave = (): void => {
    try {
      writeSync(this.#fd, sequences.leave)
    } catch {
      // It takes nothing now, or is gone.
    }
  }

  get isShown(): boolean {
    return this.#timer !== undefined
  }

  /** A line for the terminal as it is before there is a screen, and after. */
  print(text: string): void {
    this.#writer.line(text)
  }

  note(text: string, at = Date.now()): void {
    this.#notes.push({ at, text })
    if (this.#notes.length > notesMax) this.#notes.shift()
  }

  show(draw: Draw): void {
    this.#writer.write(sequences.enter + frameOf(draw, this.#notes))
    process.once("exit", this.#leave)
    this.#drawn = draw
    this.#timer = setInterval(this.#redraw, drawEveryMs)
    process.stdout.on("resize", this.#redraw)
  }

  /** To be waited for, unless the process ends. */
  async end(): Promise<void> {
    const wasShown = this.isShown
    clearInterval(this.#timer)
    this.#timer = undefined
    process.stdout.off("resize", this.#redraw)
    await this.#writer.end()
    process.off("exit", this.#leave)
    if (wasShown) this.#leave()
  }

  #draw(): void {
    // What was drawn last has yet to be taken: another picture of it would only come later.
    if (this.#drawn === undefined || this.#writer.isBusy) return
    this.#writer.write(frameOf(this.#drawn, this.#notes))
  }
}

function frameOf(draw: Draw, notes: readonly Note[]): string {
  // A terminal that does not know its size says that it has none.
  const size = { rows: process.stdout.rows || 24, columns: process.stdout.columns || 80 }
  const text = draw(notes, size, Date.now())
  const lines = text.replaceAll("\n", `${sequences.clearLine}\n`)
  return `${sequences.home}${lines}${sequences.clearLine}${sequences.clearBelow}`
}
