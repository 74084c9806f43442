/**
 * Bounds that depend on one another: what one of them allows, the other must have room for. They come
 * from operations as well as from settings, so they are compared when the service is known. Said at
 * the start, a contradiction costs a minute; found out by a client, it is a 503 for ever.
 */

import { memoryBytes } from "./cpu.ts"
import { bodyBytesMaxOf } from "./input/place.ts"
import type { Service } from "./service.ts"
import { type ResolvedSettings, SettingError } from "./settings.ts"

/** With `auto`, unless a single body may be larger. */
const queueBytesAuto = 67_108_864

/**
 * How many body bytes may be held at a time. `auto` makes room for the largest body that an operation
 * takes: whoever raises the one bound rarely thinks of the other.
 * @throws {SettingError} when an operation takes a body for which there could never be room.
 */
export function queueBytesMaxOf(service: Service, settings: ResolvedSettings): number {
  let largest = 0
  const { queueBytesMax } = settings
  for (const [name, operation] of service.operations) {
    if (operation.body === undefined) continue
    const bytesMax = bodyBytesMaxOf(operation, settings)
    // On the main thread nothing has to be admitted.
    if (queueBytesMax !== "auto" && bytesMax > queueBytesMax && operation.thread === "worker") {
      throw new SettingError(
        `The operation "${name}" has bodyBytesMax ${bytesMax}, and queueBytesMax is ${queueBytesMax}: there could never be room for such a body. Set queueBytesMax to ${bytesMax} or more or leave it out, or lower the operation's bodyBytesMax.`,
      )
    }
    largest = Math.max(largest, bytesMax)
  }
  return queueBytesMax === "auto" ? Math.max(queueBytesAuto, largest) : queueBytesMax
}

/** With `auto`, unless that is a large part of the memory. */
const unreadBytesAuto = 268_435_456
const unreadMemoryShare = 1 / 8

/** How many bytes of answers that clients have yet to take may be held at a time. */
export function unreadBytesMaxOf({ unreadBytesMax }: ResolvedSettings): number {
  if (unreadBytesMax !== "auto") return unreadBytesMax
  return Math.min(unreadBytesAuto, Math.floor(memoryBytes() * unreadMemoryShare))
}

export interface MemoryBounds {
  readonly settings: ResolvedSettings
  readonly service: Service
  /** What the process may use in all; `undefined` where it is the whole machine. */
  readonly memoryBytes: number | undefined
}

/**
 * Holds the bounds on workers' memory that were set against what there is: one that can't be reached
 * protects nobody, since the call that needs too much would take the whole process with it.
 * Bounds that fit one by one may be more in sum, since few calls need as much as they may have.
 * @throws {SettingError} naming the first that does not fit.
 */
export function assertMemoryFits({ settings, service, memoryBytes }: MemoryBounds): void {
  if (memoryBytes === undefined) return
  const memoryMiB = Math.floor(memoryBytes / 2 ** 20)
  const limits: (readonly [string, number | "auto" | undefined])[] = [
    ["workerMemoryMiB", settings.workerMemoryMiB],
  ]
  for (const [name, { ownWorkers }] of service.operations) {
    limits.push([`The operation "${name}": ownWorkers.memoryMiB`, ownWorkers?.memoryMiB])
  }
  for (const [what, limit] of limits) {
    if (typeof limit !== "number" || limit <= memoryMiB) continue
    throw new SettingError(
      `${what} is ${limit}, and this process may use ${memoryMiB} MiB in all: a call that needs more would end the process, not its worker. Set it to less, leave it out, or give the process more memory.`,
    )
  }
}
