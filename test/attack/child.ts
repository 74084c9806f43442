/** What is attacked runs in a process of its own, whose memory is its own, and is told what to do. */
import { type ChildProcess, fork } from "node:child_process"
import { once } from "node:events"
import { fileURLToPath } from "node:url"

/** What a stand answers to each thing that it is told. */
export interface Told<T> {
  readonly answer: T
  /** The most memory that it has ever had. */
  readonly residentMiBMax: number
}

export class Stand implements AsyncDisposable {
  readonly #child: ChildProcess
  readonly #ended: Promise<unknown>

  /** @param program a file in `stand/`. */
  constructor(program: string) {
    const path = fileURLToPath(new URL(`stand/${program}`, import.meta.url))
    this.#child = fork(path, { execArgv: ["--conditions=capstan-source"] })
    this.#ended = once(this.#child, "exit")
  }

  /** One thing after the other. @throws {Error} when it ends instead of answering. */
  async tell<T>(what: object): Promise<Told<T>> {
    const answered = once(this.#child, "message") as Promise<[Told<T>]>
    this.#child.send(what)
    const ended = this.#ended.then((how): never => {
      throw new Error(`What was attacked has ended: ${how}`)
    })
    const [told] = await Promise.race([answered, ended])
    return told
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#child.kill("SIGKILL")
    await this.#ended
  }
}
