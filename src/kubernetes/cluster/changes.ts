/** What differs between two versions of an object, by path, without what the server counts itself. */
export interface Change {
  /** `spec.template.spec.containers.0.image`. */
  readonly path: string
  /** As JSON; undefined when it was not there. */
  readonly before: string | undefined
  readonly after: string | undefined
}

const bookkeeping = new Set([
  "status",
  "metadata.managedFields",
  "metadata.resourceVersion",
  "metadata.generation",
  "metadata.uid",
  "metadata.creationTimestamp",
])

export function changesBetween(before: unknown, after: unknown, path = ""): readonly Change[] {
  if (bookkeeping.has(path)) return []
  if (isComposite(before) && isComposite(after)) {
    const keys = new Set([...Object.keys(before), ...Object.keys(after)])
    return Array.from(keys).flatMap((key) =>
      changesBetween(before[key], after[key], path === "" ? key : `${path}.${key}`),
    )
  }
  const [was, is] = [JSON.stringify(before), JSON.stringify(after)]
  return was === is ? [] : [{ path, before: was, after: is }]
}

function isComposite(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null
}
