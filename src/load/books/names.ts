/**
 * The names that requests are counted under, as small numbers: a thread gives them, and tells the
 * books once what each stands for. Their number is bounded; further ones share one.
 */

/** Names with statistics of their own; further ones are counted together. */
export const namesMax = 200

export type NamePair = readonly [method: string, name: string]

export const otherNames: NamePair = ["", "(other names)"]

export class Names {
  /** By method, then by name, so that looking one up makes no new string. */
  readonly #ids = new Map<string, Map<string, number>>()
  #untold: NamePair[] = []
  #count = 0
  #othersId: number | undefined

  idOf(method: string, name: string): number {
    const known = this.#ids.get(method)?.get(name)
    if (known !== undefined) return known
    if (this.#count >= namesMax) {
      this.#othersId ??= this.#add(...otherNames)
      return this.#othersId
    }
    return this.#add(method, name)
  }

  /** Those that are new since the last time, in the order of their numbers. */
  takeNew(): readonly NamePair[] {
    const untold = this.#untold
    if (untold.length > 0) this.#untold = []
    return untold
  }

  #add(method: string, name: string): number {
    const id = this.#count++
    const byName = this.#ids.get(method) ?? new Map<string, number>()
    this.#ids.set(method, byName.set(name, id))
    this.#untold.push([method, name])
    return id
  }
}

export function isOthers([, name]: NamePair): boolean {
  return name === otherNames[1]
}
