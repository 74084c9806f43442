/** A terminal as far as a live screen uses one: it wraps, scrolls not, and reflows when resized. */

export class VirtualTerminal {
  readonly isTTY = true
  columns: number
  readonly rows: number
  /** One a line as it was written, whatever rows it takes. */
  #lines: string[] = [""]
  #line = 0
  #column = 0

  constructor(columns: number, rows: number) {
    this.columns = columns
    this.rows = rows
  }

  hasColors(): boolean {
    return true
  }

  write(text: string): void {
    const parts = text.matchAll(/\p{Cc}\[(\d*)([A-Za-z])|\r|\n|\P{Cc}+/gu)
    for (const [part, count = "", command] of parts) {
      if (part === "\r") this.#column = this.#row * this.columns
      else if (part === "\n") this.#newLine()
      else if (command === "A") this.#up(Number(count || 1))
      else if (command === "K") this.#cut()
      else if (command === "J") {
        this.#cut()
        this.#lines.length = this.#line + 1
      } else if (command === undefined) this.#put(part)
      else if (command !== "m") throw new Error(`It does not know ${JSON.stringify(part)}.`)
    }
  }

  /** Long lines are broken in other places from now on. */
  resize(columns: number): void {
    this.columns = columns
  }

  /** What is to be seen, without what is empty at the end. */
  lines(): readonly string[] {
    const last = this.#lines.findLastIndex((line) => line !== "")
    return this.#lines.slice(0, last + 1)
  }

  #newLine(): void {
    this.#line += 1
    this.#column = 0
    this.#lines[this.#line] ??= ""
  }

  /** Within its line. At the very end of a row the cursor waits there, not in the next one. */
  get #row(): number {
    const { columns } = this
    return this.#column % columns === 0 && this.#column === this.#lines[this.#line]!.length
      ? Math.max(0, this.#column / columns - 1)
      : Math.floor(this.#column / columns)
  }

  /** By rows, of which a long line takes several. */
  #up(rows: number): void {
    let left = rows - this.#row
    this.#column -= this.#row * this.columns
    while (left > 0 && this.#line > 0) {
      this.#line -= 1
      left -= this.#rowsOf(this.#line)
    }
    if (left > 0) throw new Error(`It was sent ${left} rows above its top.`)
  }

  #rowsOf(line: number): number {
    return Math.max(1, Math.ceil(this.#lines[line]!.length / this.columns))
  }

  #cut(): void {
    this.#lines[this.#line] = this.#lines[this.#line]!.slice(0, this.#column)
  }

  #put(text: string): void {
    const line = this.#lines[this.#line]!.padEnd(this.#column)
    this.#lines[this.#line] =
      line.slice(0, this.#column) + text + line.slice(this.#column + text.length)
    this.#column += text.length
  }
}
