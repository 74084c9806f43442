/** `capstan down`: removes all that a deployment is, and proves that nothing is left. */
import { extname } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { Api } from "../kubernetes/cluster/api.ts"
import { type Found, Inventory, remove, toDelete } from "../kubernetes/cluster/inventory.ts"
import { isName, nameOf, nameRule } from "../kubernetes/name.ts"
import { loadService } from "../service/module.ts"
import { asked, secondsAsMs } from "./cluster-failure.ts"
import { Failure } from "./failure.ts"
import { asFailure, loadFailure } from "./load-failure.ts"
import { moduleUrl } from "./module-path.ts"

export interface DownFlags {
  readonly name?: string
  readonly namespace?: string
  readonly dryRun?: true
  readonly timeout: string
}

const lookEachMs = 500

/** Resolves to 0 when nothing remains, to 1 when something does. May be run again at any point. */
export async function down(typed: string, flags: DownFlags): Promise<0 | 1> {
  const timeoutMs = secondsAsMs(flags.timeout, "--timeout")
  const name = flags.name ?? (await deploymentName(typed))
  return await asked<0 | 1>(async () => {
    const api = new Api()
    const namespace = flags.namespace ?? api.namespace
    const inventory = new Inventory(api, namespace, name)
    say(`context ${api.context}, namespace ${namespace}, deployment ${name}`)

    const first = await inventory.look()
    for (const each of first) say(`${flags.dryRun ? "would go" : "goes"}: ${line(each)}`)
    if (flags.dryRun) return 0

    const endMs = performance.now() + timeoutMs
    let left = first
    while (left.length > 0 && performance.now() < endMs) {
      // Each time anew: a controller may have been about to make one more.
      for (const each of toDelete(left)) await remove(api, each)
      await sleep(lookEachMs)
      left = await inventory.look()
    }
    for (const each of left) process.stdout.write(`remains: ${line(each)}\n`)
    if (left.length > 0) {
      say(`not gone after ${timeoutMs / 1000} s; the same command goes on from here`)
      return 1
    }
    process.stdout.write("nothing remains\n")
    return 0
  })
}

/** A module's service, or a name: what is deployed can be removed when its module is gone. */
async function deploymentName(typed: string): Promise<string> {
  if (extname(typed) === "" && !typed.includes("/")) {
    if (isName(typed)) return typed
    throw new Failure(2, `${JSON.stringify(typed)} is no deployment's name: ${nameRule}.`)
  }
  const module = moduleUrl(typed)
  const service = await loadService(module).catch((error: unknown) => {
    throw asFailure(loadFailure(error, module), typed)
  })
  return nameOf(service.title)
}

function line({ kind, name, going, owners: [owner] }: Found): string {
  const of = owner === undefined ? "" : `, of ${owner.kind} ${owner.name}`
  return `${kind} ${name}${of}${going ? " (going already)" : ""}`
}

function say(text: string): void {
  process.stderr.write(`capstan: ${text}\n`)
}
