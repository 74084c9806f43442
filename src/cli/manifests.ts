/** `capstan manifests MODULE`: what `capstan deploy` applies, as YAML. */

import { manifests } from "../kubernetes/manifests/objects.ts"
import type { DeploymentFlags } from "../kubernetes/manifests/options.ts"
import { yamlOf } from "../kubernetes/manifests/print.ts"
import { deploymentOf } from "./deployment-flags.ts"

export async function printManifests(typed: string, flags: DeploymentFlags): Promise<void> {
  process.stdout.write(yamlOf(manifests(await deploymentOf(typed, flags))))
}
