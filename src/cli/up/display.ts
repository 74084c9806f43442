/**
 * How a person follows `capstan up`: in a terminal a screenful that is drawn anew, elsewhere plain
 * lines. Replicas' log lines stand behind their names.
 */
import { LogWriter } from "../log-writer.ts"
import { FullScreen } from "../screen/full-screen.ts"
import { isRoutine, shownLine } from "../screen/log-line.ts"
import type { UpReport } from "./report.ts"
import { screen } from "./screen.ts"

export interface Display {
  /** Something that `capstan up` itself has to say, a first line and more below it. */
  say(lines: readonly string[]): void
  /** A line of a replica's log. */
  log(replica: string, text: string): void
  /** From now on there is something to show. */
  show(report: () => UpReport): void
  /** The first replica serves. */
  serves(report: UpReport): void
  end(): Promise<void>
}

/** @param routine whether somebody has asked for a line about each request that went well. */
export function createDisplay(routine: boolean): Display {
  return process.stdout.isTTY ? new ScreenDisplay() : new LineDisplay(routine)
}

class LineDisplay implements Display {
  readonly #writer = new LogWriter({ fd: 1 })
  readonly #routine: boolean

  constructor(routine: boolean) {
    this.#routine = routine
  }

  say(lines: readonly string[]): void {
    for (const line of lines) this.#writer.line(`capstan: ${line}`)
  }

  log(replica: string, text: string): void {
    // Among hundreds of those a second, what matters would not be found.
    if (this.#routine || !isRoutine(text)) this.#writer.line(`${replica}: ${text}`)
  }

  show(): void {}

  serves({ title, url, docsUrl, pageUrl, managementUrl }: UpReport): void {
    const docs = docsUrl === null ? "" : `, documentation at ${docsUrl}`
    this.say([
      `${title} is served at ${url}${docs}, live page at ${pageUrl}, metrics at ${managementUrl}/metrics`,
    ])
  }

  async end(): Promise<void> {
    await this.#writer.end()
  }
}

class ScreenDisplay implements Display {
  readonly #screen = new FullScreen()

  say(lines: readonly string[]): void {
    for (const line of lines) {
      this.#screen.note(shownLine(line))
      // Before there is a screen, and once it is gone.
      if (!this.#screen.isShown) this.#screen.print(`capstan: ${line}`)
    }
  }

  log(replica: string, text: string): void {
    if (!isRoutine(text)) this.#screen.note(`${replica}: ${shownLine(text)}`)
  }

  show(report: () => UpReport): void {
    this.#screen.show((notes, size, nowMs) => screen(report(), notes, size, nowMs))
  }

  serves(): void {}

  async end(): Promise<void> {
    await this.#screen.end()
  }
}
