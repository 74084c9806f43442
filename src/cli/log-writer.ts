/**
 * Writes to standard output, whatever that is, without ever waiting for it or ending by it.
 *
 * Node writes to pipes and files at once, so a reader that stands still would hold up whatever this
 * process does, and a full disk would end it. Here text is gathered and written by another thread;
 * what can't be written for now is tried again, and what piles up meanwhile is dropped and counted.
 */
import { write, writeSync } from "node:fs"
import { printableStyled, withoutLogins } from "../core/printable.ts"

export interface LogWriterOptions {
  readonly fd: number
  /** Told once when the log can't be written, and once when it can again. @default said on stderr */
  readonly trouble?: (text: string) => void
  /** For how long to gather what leaves together, in milliseconds. @default 0 */
  readonly gatherMs?: number
  /** What stands in the log for so many lines that are not in it. @default a line of text */
  readonly dropped?: (lines: number) => string
}

/** What may wait to be written, in characters. */
const waitingLengthMax = 1024 * 1024
/** As much as this leaves at once. */
const enoughLength = 65_536
/** A pipe that is full is tried again after this, then after twice as long, and so on. */
const busyMs = 1
const busyMsMax = 20
const brokenMs = 500
const endMsMax = 1_000

export class LogWriter {
  readonly #options: LogWriterOptions
  /** Gathered, and not begun. */
  #text = ""
  /** Begun: what is left of it. */
  #rest = Buffer.alloc(0)
  /** The other thread has it in hands. */
  #isWriting = false
  #isBroken = false
  #dropped = 0
  #busyMs = busyMs
  #emptied: (() => void) | undefined
  #gathering: NodeJS.Timeout | undefined
  #again: NodeJS.Timeout | undefined

  constructor(options: LogWriterOptions) {
    this.#options = options
  }

  /** Whether something waits to be written. */
  get isBusy(): boolean {
    return this.#rest.length > 0 || this.#text !== ""
  }

  /** For people: what others have written into it does not steer a terminal. */
  line(text: string): void {
    this.write(`${printableStyled(withoutLogins(text))}\n`)
  }

  write(text: string): void {
    if (this.#rest.length + this.#text.length + text.length > waitingLengthMax) {
      this.#dropped += 1
      return
    }
    this.#text += text
    const { gatherMs = 0 } = this.#options
    if (gatherMs === 0 || this.#text.length >= enoughLength) this.#begin()
    else this.#gathering ??= setTimeout(() => this.#begin(), gatherMs).unref()
  }

  /** Waits until all is written, or can't be, or nobody has read it for a while. */
  async end(): Promise<void> {
    this.#begin()
    if (this.isBusy && !this.#isBroken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, endMsMax)
        this.#emptied = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    clearTimeout(this.#again)
  }

  /**
   * Writes what waits before it returns, for a process that is about to exit; what the other thread
   * has in hands it writes itself. Gives up when nobody has read for a while.
   */
  flush(): void {
    let rest = Buffer.from(this.#text + this.#droppedLines())
    this.#text = ""
    if (!this.#isWriting) {
      rest = Buffer.concat([this.#rest, rest])
      this.#rest = Buffer.alloc(0)
    }
    clearTimeout(this.#again)
    const endMs = performance.now() + endMsMax
    while (rest.length > 0) {
      try {
        rest = rest.subarray(writeSync(this.#options.fd, rest))
      } catch (error) {
        if (!isBusy(error) || performance.now() > endMs) return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10)
      }
    }
  }

  #begin(): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    // What has been begun comes first, and sees to what is behind it.
    if (this.#rest.length > 0 || this.#text === "") return
    this.#rest = Buffer.from(this.#text)
    this.#text = ""
    this.#write()
  }

  #write(): void {
    this.#isWriting = true
    write(this.#options.fd, this.#rest, (error, written = 0) => {
      this.#isWriting = false
      this.#rest = this.#rest.subarray(written)
      if (error !== null) this.#failed(error)
      else this.#succeeded()
    })
  }

  #failed(error: NodeJS.ErrnoException): void {
    if (isBusy(error)) {
      this.#again = setTimeout(() => this.#write(), this.#busyMs).unref()
      this.#busyMs = Math.min(2 * this.#busyMs, busyMsMax)
      return
    }
    if (!this.#isBroken) {
      this.#isBroken = true
      this.#tell(`The log can't be written (${error.code}); the service goes on.`)
      this.#emptied?.()
    }
    this.#again = setTimeout(() => this.#write(), brokenMs).unref()
  }

  #succeeded(): void {
    this.#busyMs = busyMs
    if (this.#isBroken) this.#tell("The log can be written again.")
    this.#isBroken = false
    this.#text += this.#droppedLines()
    if (this.#rest.length > 0) this.#write()
    else if (this.#text !== "") this.#begin()
    else this.#emptied?.()
  }

  #droppedLines(): string {
    const lines = this.#dropped
    if (lines === 0) return ""
    this.#dropped = 0
    const { dropped = droppedText } = this.#options
    return `${dropped(lines)}\n`
  }

  #tell(text: string): void {
    const { trouble = tellOnStderr } = this.#options
    trouble(text)
  }
}

/** A pipe that is full just now, or a terminal that was told to stop. */
function isBusy(error: unknown): boolean {
  return (error as NodeJS.ErrnoException).code === "EAGAIN"
}

function droppedText(lines: number): string {
  return `capstan: ${lines} lines could not be written`
}

function tellOnStderr(text: string): void {
  try {
    writeSync(2, `capstan: ${text}\n`)
  } catch {
    // That one is full too. There is nobody left to tell.
  }
}
