/** Where the target tells of itself, as the flags have it. */
import { Api } from "../kubernetes/cluster/api.ts"
import { isNamespace, isObjectName } from "../kubernetes/name.ts"
import { capstanTarget } from "../load/target/management.ts"
import { prometheusTarget } from "../load/target/prometheus.ts"
import type { TargetSource } from "../load/target.ts"
import { asked } from "./cluster-failure.ts"
import { Failure } from "./failure.ts"
import type { LoadFlags } from "./load-flags.ts"
import { firstLook } from "./watch/first-look.ts"
import { lookedAtTarget } from "./watch/target.ts"

/**
 * Undefined when nothing was said: then it is looked for beside the target.
 * @throws {Failure} when the flags can't be read, or the deployment is not there.
 */
export async function givenSource(flags: LoadFlags): Promise<TargetSource | undefined> {
  const { management, targetMetrics, deployment } = flags
  if ([management, targetMetrics, deployment].filter((each) => each !== undefined).length > 1) {
    throw new Failure(
      2,
      "--management, --target-metrics and --deployment exclude each other: one is read.",
    )
  }
  if (deployment !== undefined) return await deployed(deployment)
  if (targetMetrics !== undefined) {
    return prometheusTarget(
      targetMetrics.map((typed) => ({ metrics: page("--target-metrics", typed) })),
    )
  }
  return management === undefined ? undefined : capstanTarget(page("--management", management))
}

async function deployed(typed: string): Promise<TargetSource> {
  const [name = "", namespace, ...more] = typed.split("/").toReversed()
  if (!isObjectName(name) || !isNamespace(namespace ?? "default") || more.length > 0) {
    throw new Failure(
      2,
      `--deployment is ${JSON.stringify(typed)}; it must be NAME or NAMESPACE/NAME of a deployment.`,
    )
  }
  const api = await asked(async () => new Api())
  return lookedAtTarget(await firstLook(api, { namespace: namespace ?? api.namespace, name }))
}

function page(flag: string, typed: string): URL {
  const url = URL.parse(typed)
  if (url !== null && ["http:", "https:"].includes(url.protocol)) return url
  throw new Failure(2, `${flag} is ${JSON.stringify(typed)}; it must be an http or https URL.`)
}
