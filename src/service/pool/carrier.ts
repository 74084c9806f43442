/**
 * What carries a worker, as the main thread sees it: a thread of this process, or a process of its own.
 * What a worker goes through is the same on either (see worker-thread.ts); what differs is how
 * messages get there, how it is ended, and what can be known of it from outside.
 */
import { type FromWorker, flagBytes, type ToWorker } from "./protocol.ts"

export interface Carrier {
  /** See `Flag`. */
  readonly flags: Int32Array
  /**
   * Whether the worker itself reads and claims in the words of `flags`, so that it can be given tasks
   * ahead of their turn. If not, they are kept here on its behalf.
   */
  readonly sharesMemory: boolean
  /** @throws when the message can't be cloned. */
  post(message: ToWorker, transfer: readonly ArrayBuffer[]): void
  /** Ends it, whatever it is at. */
  terminate(): void
  /** Does not keep this process alive any more. */
  unref(): void
  /**
   * CPU time that it has used since it began; `undefined` where the kernel does not tell.
   * @param nativeThreadId its id in the kernel, as it has said itself.
   */
  cpuMs(nativeThreadId: number | undefined): number | undefined
  readonly memory: Memory
  /** From here on {@link waited} looks. */
  mark(): void
  /** Whether it has waited for something, and not computed, most of the time since the mark. */
  waited(): boolean
}

/** What is known of a worker's memory from outside. */
export interface Memory {
  /** When last seen. */
  readonly use: MemoryUse | undefined
  /** Whether it may soon have too much. */
  readonly isNear: boolean
  /** The worker is ready: module and `setup` are loaded. */
  ready(): Promise<void>
  /** Looks, and says so if it has too much. */
  look(): Promise<Error | undefined>
}

export interface MemoryUse {
  /** V8's heap: objects, arrays, strings, Maps, closures. */
  readonly heapBytes: number
  /** What JavaScript holds outside of it: the bytes of Buffers and other typed arrays. */
  readonly externalBytes: number
}

/** Of what is not asked: it is not there, or is seen to elsewhere. */
export const unseenMemory: Memory = {
  use: undefined,
  isNear: false,
  async ready() {},
  async look() {
    return undefined
  },
}

export interface CarrierEvents {
  message(message: FromWorker): void
  /** What came from it can't be read. */
  unreadable(error: unknown): void
  /** It is about to end, or has been ended, because of this. */
  failed(error: unknown): void
  /** It is gone, and all that it has said has been told. Last, and once. */
  exited(end: CarrierEnd): void
}

/** One that could not be started: the system had no memory for it, or no process. */
export class Unstarted implements Carrier {
  readonly flags = new Int32Array(new SharedArrayBuffer(flagBytes))
  readonly sharesMemory = false
  readonly memory = unseenMemory

  /** @param error why. Told later, since nobody listens while this is made. */
  constructor(error: unknown, events: CarrierEvents) {
    setImmediate(() => {
      events.failed(error)
      events.exited({ code: undefined, signal: undefined })
    })
  }

  post(): void {}
  terminate(): void {}
  unref(): void {}
  cpuMs(): undefined {}
  mark(): void {}

  waited(): boolean {
    return true
  }
}

/** How a thread or a process ended: one of both is known, of one that was ever started. */
export interface CarrierEnd {
  readonly code: number | undefined
  readonly signal: NodeJS.Signals | undefined
}
