/**
 * Writes lines to standard output without ever waiting for it, and without ending by it.
 *
 * Node writes to pipes and files at once, so a reader that stands still would hold up the balancer,
 * and a full disk would end the process. Here lines are gathered and written by another thread; what
 * can't be written for now is tried again, and what piles up meanwhile is dropped and counted.
 */
import { write } from "node:fs"

export interface LogWriterOptions {
  readonly fd: number
  /** Told once when lines can't be written, and once when they can again. */
  readonly trouble: (text: string) => void
}

/** What may wait to be written. */
const waitingBytesMax = 1024 * 1024
const againMs = 500
const endMsMax = 1_000

export class LogWriter {
  readonly #options: LogWriterOptions
  #waiting: Buffer[] = []
  #waitingBytes = 0
  #isWriting = false
  #isBroken = false
  #dropped = 0
  #emptied: (() => void) | undefined
  #timer: NodeJS.Timeout | undefined

  constructor(options: LogWriterOptions) {
    this.#options = options
  }

  line(text: string): void {
    const bytes = Buffer.from(`${text}\n`)
    if (this.#waitingBytes + bytes.length > waitingBytesMax) {
      this.#dropped += 1
      return
    }
    this.#waiting.push(bytes)
    this.#waitingBytes += bytes.length
    if (!this.#isWriting) this.#write()
  }

  /** Waits until all is written, or can't be, or nobody has read it for a while. */
  async end(): Promise<void> {
    if (this.#isWriting && !this.#isBroken) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, endMsMax)
        this.#emptied = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
    clearTimeout(this.#timer)
  }

  #write(): void {
    this.#isWriting = true
    const chunk = Buffer.concat(this.#waiting)
    this.#waiting = [chunk]
    write(this.#options.fd, chunk, (error, written = 0) => {
      const rest = chunk.subarray(written)
      this.#waiting = rest.length === 0 ? this.#waiting.slice(1) : [rest, ...this.#waiting.slice(1)]
      this.#waitingBytes -= written
      if (error !== null) this.#failed(error)
      else this.#succeeded()
    })
  }

  #failed(error: NodeJS.ErrnoException): void {
    // A pipe that is full just now.
    const isBusy = error.code === "EAGAIN"
    if (!isBusy && !this.#isBroken) {
      this.#isBroken = true
      this.#options.trouble(`The log can't be written (${error.code}); the service goes on.`)
      this.#emptied?.()
    }
    this.#timer = setTimeout(() => this.#write(), isBusy ? 20 : againMs)
    this.#timer.unref()
  }

  #succeeded(): void {
    if (this.#isBroken) this.#options.trouble("The log can be written again.")
    this.#isBroken = false
    if (this.#dropped > 0) {
      const lines = Buffer.from(`capstan: ${this.#dropped} lines could not be written\n`)
      this.#dropped = 0
      this.#waiting.push(lines)
      this.#waitingBytes += lines.length
    }
    if (this.#waiting.length > 0) this.#write()
    else {
      this.#isWriting = false
      this.#emptied?.()
    }
  }
}
