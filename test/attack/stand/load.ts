/** A load generator, alone in a process: runs short loads, and reads what targets tell. */
import { load, scenario } from "capstan/load"
import { fetchScenario } from "../../../src/load/scenario/openapi-fetch.ts"
import { prometheusTarget } from "../../../src/load/target/prometheus.ts"
import { answering } from "./answering.ts"

export interface ToLoad {
  readonly target?: string
  /** The target whose document is asked for. */
  readonly document?: string
  readonly metrics?: string
}

const home = scenario({ tasks: { home: ({ get }) => get("/") } })

answering(async ({ target, document, metrics }: ToLoad): Promise<string> => {
  if (target !== undefined) {
    const { total } = await load({
      target,
      scenario: home,
      rate: 40,
      runTimeMs: 200,
      timeoutMs: 500,
      workers: 1,
    })
    return `${total.requests} requests, ${total.failures} failures`
  }
  if (document !== undefined) {
    const { scenario: made } = await fetchScenario(new URL(document))
    return `${made.tasks.length} tasks`
  }
  const source = prometheusTarget([{ metrics: new URL(metrics ?? "") }])
  for (let count = 0; count < 2; count++) await source.read()
  return "read"
})
