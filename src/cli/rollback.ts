/** `capstan deploy MODULE --rollback`: the pods as they were in the version before. */
import { Api } from "../kubernetes/cluster/api.ts"
import { apply } from "../kubernetes/cluster/apply.ts"
import { lastVersion } from "../kubernetes/cluster/rollback.ts"
import { asked, secondsAsMs } from "./cluster-failure.ts"
import { awaitRollout, type DeployFlags, inWords } from "./deploy.ts"
import { type PlaceFlags, placeOf } from "./deployment-place.ts"
import { Failure } from "./failure.ts"
import { interruptible } from "./interruption.ts"
import { tellAddress } from "./open.ts"
import { print } from "./print.ts"
import { say } from "./say.ts"

/** Resolves to 0 once the version before serves again. */
export async function rollback(typed: string, where: PlaceFlags, flags: DeployFlags): Promise<0> {
  const timeoutMs = secondsAsMs(flags.timeout, "--timeout")
  const { name, namespace: named, context } = await placeOf(typed, where)
  return await asked<0>(async () => {
    const api = new Api(context)
    const namespace = named ?? api.namespace
    say(`context ${api.context}, namespace ${namespace}, deployment ${name}`)
    const found = await lastVersion(api, namespace, name)
    if (found === "no deployment") {
      throw new Failure(1, `There is no deployment ${name} in the namespace ${namespace}.`)
    }
    if (found === "no version before") {
      throw new Failure(
        1,
        `There is no version of ${name} before the one that it has.`,
        "The cluster keeps the last three; what is older has to be deployed again, by its image.",
      )
    }
    const { from, to, image, deployment } = found
    const options = { deployment: name, namespace, force: flags.force === true }
    const rehearsed = await apply(api, deployment, { ...options, dryRun: true })
    if (flags.dryRun) {
      print(`${inWords(rehearsed)}\n`)
      return 0
    }
    await interruptible(
      async (signal) => {
        await apply(api, deployment, { ...options, dryRun: false })
        say(`from revision ${from} back to ${to}: its image ${image}, variables, probes and sizes`)
        say(
          "autoscaler, Service and all else stay as they are: the cluster keeps no versions of them. To have those back, deploy what you deployed then.",
        )
        const replicas = await awaitRollout(api, { namespace, name }, { timeoutMs, signal })
        say(`it serves, by ${replicas} ${replicas === 1 ? "replica" : "replicas"}`)
      },
      () => "The cluster goes on with it. The same command would now go back to where it began.",
    )
    return await tellAddress(api, namespace, name, flags.open)
  })
}
