/** A service whose operations have all the time that they need. */
import type { service } from "../../src/index.ts"

type Service = ReturnType<typeof service>

/** How fast a machine is, and how busy, is not what a test of the answers is about. */
export function patient(original: Service): Service {
  const operations = Array.from(
    original.operations,
    ([name, operation]) => [name, { ...operation, deadlineMs: 3_600_000 }] as const,
  )
  return { ...original, operations: new Map(operations) }
}
