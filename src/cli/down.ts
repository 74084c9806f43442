/** `capstan down`: removes all that a deployment is, and proves that nothing is left. */
import { setTimeout as sleep } from "node:timers/promises"
import { Api } from "../kubernetes/cluster/api.ts"
import { type Found, Inventory, remove, toDelete } from "../kubernetes/cluster/inventory.ts"
import { installed } from "../kubernetes/cluster/preflight.ts"
import { asked, secondsAsMs } from "./cluster-failure.ts"
import { type PlaceFlags, placeOf } from "./deployment-place.ts"
import { interruptible } from "./interruption.ts"
import { print } from "./print.ts"
import { say } from "./say.ts"

export interface DownFlags extends PlaceFlags {
  readonly dryRun?: true
  readonly timeout: string
}

const lookEachMs = 500

/**
 * Resolves to 0 when nothing remains, to 1 when something does, or may and can't be seen. May be run
 * again at any point.
 */
export async function down(typed: string, flags: DownFlags): Promise<0 | 1> {
  const timeoutMs = secondsAsMs(flags.timeout, "--timeout")
  const { name, namespace: named, context } = await placeOf(typed, flags)
  return await asked<0 | 1>(async () => {
    const api = new Api(context)
    const namespace = named ?? api.namespace
    const inventory = new Inventory(api, namespace, name)
    say(`context ${api.context}, namespace ${namespace}, deployment ${name}`)

    const seen = await inventory.look()
    for (const each of seen.filter(({ isForeign }) => isForeign)) {
      say(`stays: ${line(each)}, which bears the labels and was not made by Capstan`)
    }
    const ours = (found: readonly Found[]) => found.filter(({ isForeign }) => !isForeign)
    const first = ours(seen)
    for (const each of first) say(`${flags.dryRun ? "would go" : "goes"}: ${line(each)}`)
    if (first.length === 0) say("there is nothing of it")
    if (flags.dryRun) return 0

    const endMs = performance.now() + timeoutMs
    let left = first
    await interruptible(
      async (signal) => {
        // At least once: what nobody has told to go can't be gone.
        for (
          let looks = 0;
          left.length > 0 && (looks === 0 || performance.now() < endMs);
          looks += 1
        ) {
          // Each time anew: a controller may have been about to make one more.
          for (const each of toDelete(left)) {
            signal.throwIfAborted()
            await remove(api, each)
          }
          await sleep(lookEachMs, undefined, { signal })
          left = ours(await inventory.look())
        }
      },
      () => "What has been told to go is going; the same command goes on from here.",
    )
    for (const each of left) print(`remains: ${line(each)}\n`)
    if (left.length > 0) {
      say(`not gone after ${timeoutMs / 1000} s; the same command goes on from here`)
      return 1
    }
    const unseen = [...inventory.unseen].toSorted()
    if (unseen.length > 0) say(`not looked for, since you may not list it: ${unseen.join(", ")}`)
    // Every deployment has these; what a cluster may not even have is rarely somebody's to see.
    if (unseen.some((kind) => !(kind in installed))) {
      print("nothing remains that you may see\n")
      return 1
    }
    print("nothing remains\n")
    return 0
  })
}

function line({ kind, name, going, owners: [owner] }: Found): string {
  const of = owner === undefined ? "" : `, of ${owner.kind} ${owner.name}`
  return `${kind} ${name}${of}${going ? " (going already)" : ""}`
}
