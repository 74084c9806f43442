/** How far a worker has come in its boot, and what it is ready for. */
import type { FailedSetup } from "./protocol.ts"
import type { WorkerOptions } from "./worker-contract.ts"

export class Booting {
  readonly #options: WorkerOptions
  #operations: ReadonlySet<string>
  #inSetup: readonly string[] = []

  constructor(options: WorkerOptions) {
    this.#options = options
    this.#operations = new Set(options.operations)
  }

  /** Those that the worker can do, once it is ready. */
  get operations(): ReadonlySet<string> {
    return this.#operations
  }

  /** Those whose `setup` it is at. */
  get inSetup(): readonly string[] {
    return this.#inSetup
  }

  begins(operations: readonly string[]): void {
    this.#inSetup = operations
  }

  ends(failed: readonly FailedSetup[]): void {
    this.#inSetup = []
    const without = new Set(failed.flatMap(({ operations }) => operations))
    this.#operations = new Set(this.#options.operations.filter((name) => !without.has(name)))
  }
}
