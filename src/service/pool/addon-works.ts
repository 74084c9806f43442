/**
 * The asynchronous works of native addons that are under way for this thread, which must not be ended
 * meanwhile: Node-API's works can't tell a thread that is gone, and abort the process.
 *
 * Node does not list them, but tells async_hooks of each. Its own are instances of classes; those of
 * addons are plain objects. Nothing is watched before an addon is loaded, since that makes each
 * operation of Node's own some 20 µs dearer (promises excepted).
 *
 * What begins while an addon is being loaded is no work: it is a function for its other threads to call
 * (those made with napi-rs have one), which lasts as long as the thread and ends in good order with it.
 */
import { createHook } from "node:async_hooks"
import { Flag } from "./protocol.ts"

const lookMs = 20

/** `trackPromises` is not in Node's types yet. */
type Hooks = Parameters<typeof createHook>[0] & { readonly trackPromises: boolean }

export class AddonWorks {
  readonly #flags: Int32Array
  readonly #underWay = new Set<number>()
  #isLoading = false

  constructor(flags: Int32Array) {
    this.#flags = flags
    const hooks: Hooks = {
      init: (id, type, _trigger, resource) => {
        if (this.#isLoading || type === "TickObject") return
        if (Object.getPrototypeOf(resource) !== Object.prototype) return
        this.#underWay.add(id)
        this.#tell()
      },
      destroy: (id) => {
        if (this.#underWay.delete(id)) this.#tell()
      },
      trackPromises: false,
    }
    const hook = createHook(hooks)
    const { dlopen } = process
    process.dlopen = (...args) => {
      Atomics.store(flags, Flag.addons, 1)
      hook.enable()
      this.#isLoading = true
      try {
        dlopen.apply(process, args)
      } finally {
        this.#isLoading = false
      }
    }
  }

  /** Resolves when none is under way. */
  async over(): Promise<void> {
    while (this.#underWay.size > 0) await new Promise((resolve) => setTimeout(resolve, lookMs))
  }

  #tell(): void {
    Atomics.store(this.#flags, Flag.addonWorks, this.#underWay.size)
  }
}
