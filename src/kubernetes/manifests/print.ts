/** Objects as the YAML that `kubectl apply -f -` takes. */
import { stringify } from "yaml"
import type { KubernetesObject } from "../kinds.ts"

const options = {
  lineWidth: 0,
  aliasDuplicateObjects: false,
  // kubectl reads YAML 1.1, to which a bare `yes` is true and a bare `1_000` a number.
  compat: "yaml-1.1",
} as const

export function yamlOf(objects: readonly KubernetesObject[]): string {
  return objects.map((object) => stringify(object, options)).join("---\n")
}
