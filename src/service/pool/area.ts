/**
 * Large bytes on their way between a worker's process and its server. Through a channel they would go
 * in pieces of some hundred kilobytes, and each waits until the other side has got a core; so they go
 * through a file that lies in memory, which both have open and which has no name. There is one task at
 * a time, so one side is done with it before the other begins.
 */
import { closeSync, ftruncateSync, openSync, readSync, unlinkSync, writeSync } from "node:fs"

/** Below that, a channel is as good. */
const largeBytes = 64 * 1024

/** So much memory it keeps for the next, which is quicker than to get it anew. */
const keptBytes = 4 * 1024 * 1024

type Key = string | number

/** Where in a message bytes belong, and how many they are. They lie in the area one behind another. */
interface Piece {
  readonly path: readonly Key[]
  readonly length: number
}

/** A message whose large bytes are in the area. */
export interface Lifted {
  readonly type: "lifted"
  readonly message: unknown
  readonly pieces: readonly Piece[]
}

/** A file for it; none where the system has no such place, or no room there. */
export function openArea(): Area | undefined {
  if (process.platform !== "linux") return undefined
  // Each thread of a worker loads this module, and has no use for all that comes with it.
  const { randomUUID } = process.getBuiltinModule("node:crypto")
  const path = `/dev/shm/capstan-${randomUUID()}`
  try {
    const fd = openSync(path, "wx+", 0o600)
    unlinkSync(path)
    return new Area(fd)
  } catch {
    return undefined
  }
}

export class Area {
  readonly fd: number

  constructor(fd: number) {
    this.fd = fd
  }

  /** Moves large bytes out of a message. Undefined when it has none, or there is no room for them. */
  lift(message: unknown): Lifted | undefined {
    const pieces: (Piece & { readonly bytes: Uint8Array })[] = []
    const rest = without(message, [], (path, bytes) =>
      pieces.push({ path, bytes, length: bytes.length }),
    )
    if (pieces.length === 0) return undefined
    try {
      let at = 0
      for (const { bytes } of pieces) at = this.#write(bytes, at)
    } catch {
      this.#giveBack()
      return undefined
    }
    return {
      type: "lifted",
      message: rest,
      pieces: pieces.map(({ path, length }) => ({ path, length })),
    }
  }

  /** The message with its bytes. */
  unlift({ message, pieces }: Lifted): unknown {
    let at = 0
    for (const { path, length } of pieces) {
      const bytes = new Uint8Array(length)
      at = this.#read(bytes, at)
      put(message, path, bytes)
    }
    if (at > keptBytes) this.#giveBack()
    return message
  }

  close(): void {
    closeSync(this.fd)
  }

  #write(bytes: Uint8Array, from: number): number {
    let done = 0
    while (done < bytes.length) done += writeSync(this.fd, bytes, done, undefined, from + done)
    return from + done
  }

  #read(bytes: Uint8Array, from: number): number {
    let done = 0
    while (done < bytes.length) {
      const count = readSync(this.fd, bytes, done, bytes.length - done, from + done)
      if (count === 0) throw new Error("Bytes are missing of what a worker's process was sent.")
      done += count
    }
    return from + done
  }

  /** Its memory. */
  #giveBack(): void {
    try {
      ftruncateSync(this.fd)
    } catch {
      // It is none that keeps anything.
    }
  }
}

/** A copy of what has large bytes in it, without them; all else as it is. */
function without(
  value: unknown,
  path: readonly Key[],
  take: (path: readonly Key[], bytes: Uint8Array) => void,
): unknown {
  if (value instanceof Uint8Array) {
    if (value.length < largeBytes) return value
    take(path, value)
    return null
  }
  if (Array.isArray(value)) {
    return value.map((item, at) => without(item, [...path, at], take))
  }
  if (typeof value !== "object" || value === null || !isPlain(value)) return value
  const entries = Object.entries(value)
  return Object.fromEntries(
    entries.map(([key, item]) => [key, without(item, [...path, key], take)]),
  )
}

function isPlain(value: object): boolean {
  const prototype = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function put(message: unknown, path: readonly Key[], bytes: Uint8Array): void {
  let holder = message as Record<Key, unknown>
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<Key, unknown>
  holder[path.at(-1)!] = bytes
}
