/** Objects as the YAML that `kubectl apply -f -` takes. */
import { Document, type Scalar, visit } from "yaml"
import type { KubernetesObject } from "../kinds.ts"

const options = {
  lineWidth: 0,
  aliasDuplicateObjects: false,
  // kubectl reads YAML 1.1, to which a bare `yes` is true and a bare `1_000` a number.
  compat: "yaml-1.1",
} as const

/** What readers of YAML 1.1 take for the end of a line, for none of its characters, or for nothing. */
const odd = /[\u007f-\u009f\u2028\u2029\ufeff\ufffe\uffff]/
const allOdd = new RegExp(odd, "g")

export function yamlOf(objects: readonly KubernetesObject[]): string {
  return objects.map(documentOf).join("---\n")
}

function documentOf(object: KubernetesObject): string {
  const document = new Document(object, options)
  visit(document, {
    // Only between these quotes may they be written by their numbers.
    Scalar(_, node: Scalar) {
      if (odd.test(String(node.value))) node.type = "QUOTE_DOUBLE"
    },
  })
  return document.toString(options).replaceAll(allOdd, escaped)
}

function escaped(char: string): string {
  return `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`
}
