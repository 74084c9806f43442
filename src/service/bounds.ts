/**
 * Bounds that depend on one another: what one of them allows, the other must have room for. They come
 * from operations as well as from settings, so they are compared when the service is known. Said at
 * the start, a contradiction costs a minute; found out by a client, it is a 503 for ever.
 */

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
  for (const [name, { body, bodyBytesMax, thread }] of service.operations) {
    if (body === undefined) continue
    const bytesMax = bodyBytesMax ?? settings.bodyBytesMax
    // On the main thread nothing has to be admitted.
    if (queueBytesMax !== "auto" && bytesMax > queueBytesMax && thread === "worker") {
      throw new SettingError(
        `The operation "${name}" has bodyBytesMax ${bytesMax}, and queueBytesMax is ${queueBytesMax}: there could never be room for such a body. Set queueBytesMax to ${bytesMax} or more or leave it out, or lower the operation's bodyBytesMax.`,
      )
    }
    largest = Math.max(largest, bytesMax)
  }
  return queueBytesMax === "auto" ? Math.max(queueBytesAuto, largest) : queueBytesMax
}
