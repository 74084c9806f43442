/** Objects as the YAML that `kubectl apply -f -` takes. */
import type { KubernetesObject } from "@kubernetes/client-node"
import { stringify } from "yaml"

export function yamlOf(objects: readonly KubernetesObject[]): string {
  return objects
    .map((object) => stringify(object, { lineWidth: 0, aliasDuplicateObjects: false }))
    .join("---\n")
}
