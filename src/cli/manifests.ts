/** `capstan manifests MODULE`: what `capstan deploy` applies, as YAML. */
import { manifests } from "../kubernetes/manifests/objects.ts"
import { yamlOf } from "../kubernetes/manifests/print.ts"
import { describe, type Given } from "./deployment-flags.ts"
import { Failure } from "./failure.ts"
import { printDocument } from "./print.ts"

export async function printManifests(typed: string, given: Given): Promise<void> {
  const { deployment } = await describe(typed, given)
  const { image } = deployment
  if (image === undefined) {
    throw new Failure(
      2,
      "Which image? Name it with --image: what `capstan image --push` prints.",
      "Or as deployment.image in capstan.config.ts.",
    )
  }
  printDocument(yamlOf(manifests({ ...deployment, image })))
}
