/**
 * Programs that stand in for others: they write down how they were called, and answer what a test has
 * told them to.
 */
import { chmodSync, existsSync, readFileSync } from "node:fs"
import { dirname } from "node:path"
import { TemporaryFolder } from "./cli.ts"

/** What one does, as JavaScript: `args` are its arguments, `write(path, text)` writes a file. */
export type Behaviours = Readonly<Record<string, string>>

export class StandInPrograms implements Disposable {
  readonly #folder = new TemporaryFolder()
  readonly #calls = `${this.#folder.path}/calls`

  constructor(behaviours: Behaviours) {
    for (const [name, behaviour] of Object.entries(behaviours)) {
      const path = this.#folder.write(
        name,
        `#!${process.execPath}
const { appendFileSync, writeFileSync: write } = require("node:fs")
const args = process.argv.slice(2)
appendFileSync(${JSON.stringify(this.#calls)}, JSON.stringify([${JSON.stringify(name)}, ...args]) + "\\n")
const after = (flag) => args[args.indexOf(flag) + 1]
${behaviour}
`,
      )
      chmodSync(path, 0o755)
    }
  }

  /** PATH with these programs, Node, and nothing else. */
  get path(): string {
    return `${this.#folder.path}:${dirname(process.execPath)}`
  }

  /** How they were called, in order: the program, then its arguments. */
  get calls(): readonly (readonly string[])[] {
    if (!existsSync(this.#calls)) return []
    const lines = readFileSync(this.#calls, "utf8").trim().split("\n")
    return lines.map((line) => JSON.parse(line))
  }

  [Symbol.dispose](): void {
    this.#folder[Symbol.dispose]()
  }
}
